"""Take the figures of a part each: `ours(ports)` and `stock(ports)` prepare a side, and return what measures it."""
