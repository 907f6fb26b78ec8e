"""List the HTTP headers whose values are shown: any other may be a credential under a name that nobody has listed."""

from __future__ import annotations

from typing import Final

from flask_onetrace.telemetry.redaction.names import word_set

HARMLESS_HEADERS: Final = word_set("""
    accept accept-charset accept-encoding accept-language accept-ranges access-control-allow-credentials
    access-control-allow-headers access-control-allow-methods access-control-allow-origin access-control-expose-headers
    access-control-max-age access-control-request-headers access-control-request-method age allow alt-svc cache-control
    cdn-loop cf-ipcountry cf-ray connection content-disposition content-encoding content-language content-length
    content-location content-range content-security-policy content-type date dnt early-data etag expect expires
    forwarded host if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive last-modified
    location max-forwards origin pragma priority purpose range referer referrer-policy retry-after save-data
    sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user sec-gpc
    sec-purpose sec-websocket-version server server-timing strict-transport-security te traceparent traceresponse
    tracestate trailer transfer-encoding upgrade upgrade-insecure-requests user-agent vary via x-amz-cf-id
    x-amzn-requestid x-amzn-trace-id x-cloud-trace-context x-content-type-options x-correlation-id x-forwarded-for
    x-forwarded-host x-forwarded-port x-forwarded-proto x-frame-options x-http-method-override x-real-ip x-request-id
    x-requested-with x-trace-id
    """)
URL_HEADERS: Final = frozenset({"content-location", "location", "referer"})


def header_name(name: str) -> str:
    """Return a header's name as HTTP has it, in lower case, for one that WSGI or an attribute may have."""
    lower = name.lower().replace("_", "-")
    for prefix in ("http.request.header.", "http.response.header.", "http-"):
        lower = lower.removeprefix(prefix)
    return lower
