"""Serve the traces of one deployment to coding agents, read-only, by the Model Context Protocol (docs/mcp.md)."""
