"""The long-running processes that the service depends on: the embedded AWS and the fakes, and clients for them."""
