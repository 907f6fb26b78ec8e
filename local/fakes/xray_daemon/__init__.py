"""A fake of the X-Ray daemon: segments by UDP, the sampling proxy by TCP."""
