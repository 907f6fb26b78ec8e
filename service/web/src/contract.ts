// The names that the page shares with the service, by the names that they have in flask_onetrace/contract.py:
// tests/unit/test_shared_names.py compares the two files.

/** The `service.name` of the page's spans, and the only one that the relay accepts. */
export const FRONTEND_SERVICE_NAME = "Cruddur-Frontend";

/** Where the page posts its spans, as OTLP JSON. */
export const RELAY_PATH = "/v1/traces";

/** The request header that names the user. The service trusts it outside production only. */
export const USER_HEADER = "X-Cruddur-User";

/** The response header that carries the trace id, as 32 hex digits. */
export const TRACE_ID_HEADER = "X-Trace-Id";

/** The port that the service listens on. */
export const CONTAINER_PORT = 4567;
