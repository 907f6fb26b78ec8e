"""Which IAM actions and resources a request needs."""
