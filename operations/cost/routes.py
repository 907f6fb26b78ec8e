"""By which way the tasks' telemetry leaves the VPC, and how many bytes of it a month."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from operations.cost import telemetry
from operations.cost.context import Context
from operations.cost.telemetry import Transfer
from operations.cost.templates import Resource

_PREFIX: Final = "com.amazonaws."
_WIRE: Final[Mapping[str, Callable[[Context], Transfer]]] = {"logs": telemetry.logs_wire, "xray": telemetry.xray_wire}
"""By the AWS service that receives it."""


def service_of(endpoint: Resource) -> str:
    """Return `logs` of an endpoint whose service is `com.amazonaws.<region>.logs`."""
    name = str(endpoint.get("ServiceName"))
    return name.removeprefix(_PREFIX).partition(".")[2] if name.startswith(_PREFIX) else name


def through_endpoint(context: Context, endpoint: Resource) -> Transfer:
    """Return what goes through an interface endpoint."""
    service = service_of(endpoint)
    return _WIRE[service](context) if service in _WIRE else Transfer()


def to_internet(context: Context) -> Transfer:
    """Return what goes to Honeycomb and Rollbar, nothing where the tasks cannot reach the internet.

    What goes to AWS's own addresses in the region is not billed as data out ("Overview of Data Transfer Costs for
    Common Architectures", AWS Architecture Blog).
    """
    if reaches_internet(context):
        return telemetry.vendor_wire(context)
    if telemetry.vendor_wire(context).size:
        context.notes.assume("The tasks cannot reach the internet: nothing is sent to Honeycomb and Rollbar.")
    return Transfer()


def through_nat(context: Context) -> Transfer:
    """Return what goes through NAT gateways: all telemetry but what interface endpoints take."""
    if _have_addresses(context):
        return Transfer()
    taken = {
        service_of(each)
        for each in context.templates.of_type("AWS::EC2::VPCEndpoint")
        if each.get("VpcEndpointType") == "Interface"
    }
    aws = (wire(context) for service, wire in _WIRE.items() if service not in taken)
    return sum(aws, Transfer()) + to_internet(context)


def reaches_internet(context: Context) -> bool:
    """Return whether tasks reach the internet: by addresses of their own, a NAT gateway, or in a VPC from elsewhere."""
    return (
        _have_addresses(context) or not any(context.templates.of_type("AWS::EC2::VPC")) or bool(context.public_gateways)
    )


def task_zones(context: Context) -> int:
    """Return in how many zones the application's tasks run: one for each subnet."""
    application = context.application
    subnets = application and application.service.get("NetworkConfiguration", "AwsvpcConfiguration", "Subnets")
    return max(1, len(subnets)) if isinstance(subnets, list) else 1


def has_address(service: Resource) -> bool:
    """Return whether the tasks of a service have public addresses."""
    return str(service.get("NetworkConfiguration", "AwsvpcConfiguration", "AssignPublicIp")) == "ENABLED"


def _have_addresses(context: Context) -> bool:
    return context.application is not None and has_address(context.application.service)
