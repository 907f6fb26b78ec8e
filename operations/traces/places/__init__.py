"""Read the four places: one module each, with what it has of one trace and its newest requests."""
