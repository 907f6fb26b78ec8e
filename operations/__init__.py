"""Operator commands: keys, deploy markers and Honeycomb's configuration, on AWS or the emulator."""
