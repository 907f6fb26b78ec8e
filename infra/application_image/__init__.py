"""What the image of an application without a Dockerfile of its own is built with."""
