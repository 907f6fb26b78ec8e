"""The change of the cost that a pull request makes, as a part of its comment."""
