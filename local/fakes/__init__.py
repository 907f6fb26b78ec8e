"""Stand in for what a machine without accounts lacks: Honeycomb, Rollbar and the X-Ray daemon.

Each listens on 127.0.0.1 alone, remembers the newest items and can be asked by trace id. They speak
the formats of the originals as far as this service uses them, and are none of them.
"""
