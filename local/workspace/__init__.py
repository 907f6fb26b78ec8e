"""Shared by all commands: files, locks, ports, child processes and terminal output."""
