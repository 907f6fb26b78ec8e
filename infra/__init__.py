"""The CDK app's two stacks, one file per unit."""
