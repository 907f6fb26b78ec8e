"""Recognize health checks and requests for static files, which a list leaves out unless its filter names them."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH
from operations.traces.document import Request
from operations.traces.filters import Filter

NAMING: Final = frozenset((None, "path", "route", "trace", "show"))
"""The keys of terms that name single requests; None is free text."""
_STATIC: Final = re.compile(
    r"/assets/.+|/favicon\.\w+|.+\.(?:avif|css|gif|ico|jpe?g|js|map|mjs|png|svg|ttf|webmanifest|webp|woff2?)",
    re.IGNORECASE,
)


def is_background(request: Request, health_check_path: str) -> bool:
    """Return whether it is a health check or a file. One that failed is a request like any other."""
    path, status = request.path or request.route or "", request.status or 0
    if path in (RUNTIME_HEALTH_CHECK_PATH, health_check_path):
        # A client that gave up (499) is the load balancer, or the one who started the service.
        return status < HTTPStatus.INTERNAL_SERVER_ERROR
    return status < HTTPStatus.BAD_REQUEST and _STATIC.fullmatch(path) is not None


def names_background(terms: Filter) -> bool:
    """Return whether the filter names requests, so that none of those that match may be left out."""
    return any(each.key in NAMING and not each.negated for each in terms.terms)
