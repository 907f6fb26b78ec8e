"""Attack the running service and the local emulator, and check what docs/security.md promises: `make attack`."""
