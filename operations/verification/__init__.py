"""Verify a deployment: send requests of each kind, and find each of them in every place under its id."""
