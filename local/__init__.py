"""Run the whole deployment on this machine, without an AWS account: `python -m local up`."""
