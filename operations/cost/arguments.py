"""Read the values of `make cost`: each is a make variable, which an error names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from operations.cost.traffic import Measured
from operations.cost.units import HOURS
from operations.errors import OperatorError

DEFAULT_REGION: Final = "us-east-1"
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")
_REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""Of the AWS CLI and the SDKs, the first that is set ("Environment variables", AWS SDKs and Tools Reference Guide)."""


class Number(NamedTuple):
    """A number that a make variable takes: `unit` says what it counts."""

    variable: str
    lowest: float
    highest: float
    unit: str
    example: str

    def read(self, text: str) -> float:
        """Return the number that `text` is. Raises `OperatorError`."""
        number = float(text) if _NUMBER.fullmatch(text) else None
        if number is None or not self.lowest <= number <= self.highest:
            raise OperatorError(
                f"{self.variable}={text!r} is no number from {self.lowest:,g} to {self.highest:,.0f}",
                f"Give {self.unit}, in digits with at most one point, for example {self.variable}={self.example}",
            )
        return number

    def read_optional(self, text: str | None) -> float | None:
        """Return the number, or None without a text. Raises `OperatorError`."""
        return self.read(text) if text else None


REQUESTS: Final = Number("REQUESTS", 0, 10_000_000, "the requests a second, on average", "50")
SAMPLING: Final = Number("SAMPLING", 0, 1, "the share of the requests that is sampled", "0.1 (10 %)")
LINE_BYTES: Final = Number("LINE_BYTES", 1, 1_048_550, "the bytes of a request's log line", "900")
"""CloudWatch takes 1,048,576 bytes in a batch, of which an event takes 26 for itself ("PutLogEvents")."""
FAILED: Final = Number("FAILED", 0, 1, "the share of the requests that raise an error", "0.01 (1 %)")
SPANS: Final = Number("SPANS", 1, 10_000, "the spans of a sampled request", "12")
RESPONSE_BYTES: Final = Number("RESPONSE_BYTES", 1, 1e9, "the bytes of a response, with its headers", "20000")
REQUESTS_PER_VCPU: Final = Number("REQUESTS_PER_VCPU", 0.01, 1e5, "the requests a second that a vCPU serves", "100")
HOURS_OF_A_MONTH: Final = Number("HOURS", 1, 744, "the hours of a month in which the environment exists", f"{HOURS:g}")


NUMBERS: Final = (
    REQUESTS,
    SAMPLING,
    LINE_BYTES,
    FAILED,
    SPANS,
    RESPONSE_BYTES,
    REQUESTS_PER_VCPU,
    HOURS_OF_A_MONTH,
)


def with_own(measured: Measured, values: Mapping[str, str | None]) -> Measured:
    """Return the bench's figures with those given for the application, by the names of their variables.

    What the spans of a request amount to grows with their number. Raises `OperatorError`.
    """
    spans = SPANS.read_optional(values[SPANS.variable]) or measured.spans
    response = RESPONSE_BYTES.read_optional(values[RESPONSE_BYTES.variable]) or measured.response
    served = REQUESTS_PER_VCPU.read_optional(values[REQUESTS_PER_VCPU.variable]) or measured.requests_per_vcpu
    return replace(
        measured,
        spans=spans,
        **{name: getattr(measured, name) * spans / measured.spans for name in ("segment", "segment_wire", "honeycomb")},
        response=response,
        request=measured.request - measured.response + response,
        requests_per_vcpu=served,
    )


@dataclass(frozen=True, slots=True)
class Region:
    """A region, and why it is this one."""

    name: str
    reason: str


def region_of(given: str | None, declared: str, environ: Mapping[str, str]) -> Region:
    """Return the region to price: `given` by REGION=, else that of the stacks, of AWS's variables, or the default.

    `declared` is that of the stacks, empty where they can be deployed to any. Raises `OperatorError` for a malformed
    one.
    """
    if given:
        return Region(_checked("REGION", given), "REGION says so")
    if declared:
        return Region(_checked("The stacks' region", declared), "the stacks are declared to be there")
    for variable in _REGION_VARIABLES:
        if environ.get(variable):
            return Region(_checked(variable, environ[variable]), f"{variable} says so")
    return Region(DEFAULT_REGION, f"no stack, REGION, {' or '.join(_REGION_VARIABLES)} names another")


def _checked(variable: str, region: str) -> str:
    if not _REGION.fullmatch(region):
        raise OperatorError(
            f"{variable}={region!r} is no name of a region", f"Give one, for example REGION={DEFAULT_REGION}"
        )
    return region
