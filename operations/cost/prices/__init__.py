"""Price files: read, listed, and renewed from AWS's price list."""
