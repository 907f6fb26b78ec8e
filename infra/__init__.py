"""The AWS side: two stacks, one file per unit."""
