"""Measure one part per module: `ours(ports)` and `stock(ports)` set up a side, and return its `Run`."""
