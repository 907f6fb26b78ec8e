"""Show an estimate: as text for a terminal, and as one JSON document."""
