"""Price secrets, keys and buckets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from operations.cost.context import Context
from operations.cost.line_items import LineItem
from operations.cost.money import counted
from operations.cost.resources.load_balancing import takes_requests, zones
from operations.cost.templates import NoPriceError, Resource
from operations.cost.units import GIB, HOURS

_CALLS: Final = 10_000.0
"""Of the unit in which Secrets Manager and KMS bill calls."""
_PUTS: Final = 1000.0
"""Of the unit in which S3 bills requests."""
_LINE_BYTES: Final = 386.0
"""Of an entry of the access log: of the HTTP example in "Access logs for your Application Load Balancer", Elastic Load
Balancing."""
_FILES_AN_HOUR: Final = 12.0
"""That each node of a load balancer writes, one in five minutes (the same page)."""
_FILTERS: Final = frozenset({"Prefix", "TagFilters", "ObjectSizeGreaterThan", "ObjectSizeLessThan"})
"""Of a lifecycle rule that is for some objects only."""
_KEPT_DAYS: Final = 365.0
"""For which a bucket is priced whose objects do not expire."""


def secret(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield a secret, prorated by the hour, and the calls at the start of tasks ("AWS Secrets Manager pricing")."""
    yield context.monthly(resource, "Secrets", "secret-month", 1 + len(resource.records("ReplicaRegions")), "secret")
    reads = _reads(context, resource)
    if reads:
        yield context.item(
            resource,
            "Secrets Manager calls",
            "secrets-request",
            reads / _CALLS,
            f"{reads:,.0f} starts of tasks",
            by_traffic=True,
        )


def _reads(context: Context, secret: Resource) -> float:
    """Return how often a month ECS reads a secret: for each variable that it gives a container, when a task starts."""
    return sum(
        context.starts(container.service)
        for container in context.containers
        for source in container.secrets.values()
        if context.templates.referred(source) is secret
    )


def key(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield a KMS key, prorated by the hour, and its requests for secrets ("AWS Key Management Service pricing")."""
    yield context.monthly(resource, "KMS keys", "kms-key-month", 1, "key")
    reads = sum(
        _reads(context, each)
        for each in context.templates.of_type("AWS::SecretsManager::Secret")
        if context.templates.referred(each.get("KmsKeyId")) is resource
    )
    yield context.item(
        resource, "KMS requests", "kms-request", reads / _CALLS, f"{reads:,.0f} decryptions of secrets", by_traffic=True
    )
    context.notes.leave_out("KMS requests of CloudWatch for its log groups: AWS does not publish their number.")
    if resource.get("EnableKeyRotation") is True:
        more = context.unit_price("kms-key-month", "month")
        context.notes.leave_out(f"Each of the first two yearly rotations of the key, from then on{more}.")


def certificate(_context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield nothing: a public certificate is free ("AWS Certificate Manager pricing"). `NoPriceError` for others."""
    if resource.get("CertificateAuthorityArn") or resource.get("CertificateExport") == "ENABLED":
        raise NoPriceError(resource, ", which is private or can be exported")
    return iter(())


def parameter(_context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield nothing: a standard parameter is free ("AWS Systems Manager pricing"). Raises `NoPriceError` for others."""
    if resource.get("Tier") not in (None, "Standard"):
        raise NoPriceError(resource, f", of tier {resource.get('Tier')}")
    return iter(())


def bucket(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield storage and PUT requests of a bucket for a load balancer's access logs ("Amazon S3 pricing").

    What else is stored in a bucket is not known.
    """
    balancers = [
        each
        for each in context.templates.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")
        if context.templates.named(resource.type, "BucketName", _bucket_of(each)) is resource
    ]
    if not balancers:
        context.notes.leave_out(f"What is stored in the bucket {resource.logical_id}: it takes no access logs.")
    else:
        context.notes.assume(
            f"An entry of the access log has {_LINE_BYTES:g} bytes, as AWS's example has; that the files are "
            "compressed is not counted."
        )
    gigabytes = context.requests * sum(takes_requests(context, each) for each in balancers) * _LINE_BYTES / GIB
    days = _expiry(context, resource)
    yield context.item(
        resource,
        "S3 storage",
        "s3-standard-gb-month",
        gigabytes * days * 24 / HOURS,
        f"{context.requests:,.0f} entries x {_LINE_BYTES:g} bytes x {days:g} / {HOURS / 24:.1f} days",
        by_traffic=True,
    )
    nodes = sum(zones(each) for each in balancers)
    files = nodes * _FILES_AN_HOUR * context.hours
    yield context.item(
        resource,
        "S3 PUT requests",
        "s3-put-request",
        files / _PUTS,
        f"{counted(nodes, 'zone')} x {_FILES_AN_HOUR:g} log files x {context.hours:g} h",
    )


def _bucket_of(balancer: Resource) -> object:
    """Return the bucket that a load balancer writes its access log to, None without one."""
    attributes = {str(each.get("Key")): each.get("Value") for each in balancer.records("LoadBalancerAttributes")}
    is_on = str(attributes.get("access_logs.s3.enabled")).lower() == "true"
    return attributes.get("access_logs.s3.bucket") if is_on else None


def _expiry(context: Context, resource: Resource) -> float:
    """Return for how many days objects are kept."""
    days = [
        context.reader.amount(resource, "ExpirationInDays", each["ExpirationInDays"], _KEPT_DAYS)
        for each in resource.records("LifecycleConfiguration", "Rules")
        if each.get("Status") == "Enabled" and "ExpirationInDays" in each and not _FILTERS & set(each)
    ]
    return min(days, default=_KEPT_DAYS)
