"""Name the public image of the X-Ray daemon, without importing the CDK."""

from typing import Final

IMAGE: Final = (
    "public.ecr.aws/xray/aws-xray-daemon:3.7.0@sha256:b67576293f4d3a0a155f807244957ed0aa4bc945df1573d62d81380a1d548071"
)
"""By digest, which `make pins` renews: a tag can be moved under a deployment."""
