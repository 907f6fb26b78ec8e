"""The long-running processes that the service depends on: the AWS emulator and the fakes, and clients for them."""
