"""Describe the domain name of a service."""

import re
from dataclasses import dataclass
from typing import Final

_DOMAIN_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_ZONE_ID: Final = re.compile(r"Z[A-Z0-9]{1,31}")
_CERTIFICATE_ARN: Final = re.compile(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[A-Za-z0-9-]+")
"""The shape given under "Resource types defined by AWS Certificate Manager" (Service Authorization Reference)."""


def is_domain_name(text: str) -> bool:
    """Return whether `text` is a fully qualified domain name in lower case, without a trailing dot."""
    return _DOMAIN_NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedZone:
    """A public hosted zone in the same account: its id, `Z…`, and the domain that it holds.

    Raises `ValueError` for a malformed value.
    """

    zone_id: str
    name: str

    def __post_init__(self) -> None:
        if not _ZONE_ID.fullmatch(self.zone_id):
            raise ValueError(f"zone_id {self.zone_id!r} is malformed: write for example 'Z0123456789ABCDEFGHIJ'")
        if not is_domain_name(self.name):
            raise ValueError(f"hosted zone {self.name!r} is malformed: write for example 'example.com'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The domain name that the service is reached at, by HTTPS; plain HTTP is redirected.

    With `hosted_zone` it gets its alias record, and a certificate that is validated by DNS. Without one, point a CNAME
    record of your own at the output LoadBalancerDnsName, and name an ACM certificate of the region.
    Raises `ValueError` for a malformed value.
    """

    name: str
    hosted_zone: HostedZone | None = None
    certificate_arn: str | None = None

    def __post_init__(self) -> None:
        if not is_domain_name(self.name):
            raise ValueError(f"domain name {self.name!r} is malformed: write for example 'api.example.com'")
        zone = self.hosted_zone
        if zone is not None and self.name != zone.name and not self.name.endswith(f".{zone.name}"):
            raise ValueError(
                f"domain name {self.name!r} is not in the hosted zone {zone.name!r}: name the zone it is in"
            )
        if zone is None and self.certificate_arn is None:
            raise ValueError(f"domain {self.name!r} needs a hosted_zone, or the certificate_arn of its ACM certificate")
        if self.certificate_arn is not None and not _CERTIFICATE_ARN.fullmatch(self.certificate_arn):
            raise ValueError(
                f"certificate_arn {self.certificate_arn!r} is malformed: write for example 'arn:aws:acm:eu-west-1:…'"
            )
