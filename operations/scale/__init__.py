"""Find where a deployment breaks first as its traffic grows, and simulate how its scaling rules follow a load."""
