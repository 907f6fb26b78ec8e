"""The application that `make up` runs: its description, its packages and its values on this machine."""
