"""What a month, an hour and AWS's units are."""

from __future__ import annotations

from typing import Final

MILLION: Final = 1e6
GIB: Final = 2.0**30
"""Bytes of the GB that AWS bills: its tiers count 1,024 GB to the TB ("Amazon EC2 On-Demand Pricing", data
transfer)."""
MINUTE_SECONDS: Final = 60
HOUR_SECONDS: Final = 3600.0
HOURS: Final = 730.0
"""Of a month: AWS's calculator counts 730."""
