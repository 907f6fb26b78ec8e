"""What every command works with: files, locks, ports, child processes and terminal output."""
