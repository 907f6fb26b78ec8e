"""Serve the console: a page on this machine that shows the local deployment's traces, stack and sinks."""
