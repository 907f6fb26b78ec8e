"""A fake of the X-Ray daemon: segments by UDP, the sampling proxy by TCP."""

from __future__ import annotations

from local.fakes.xray_daemon.daemon import XRayDaemon

__all__ = ["XRayDaemon"]
