import { type Context, context } from "@opentelemetry/api";
import { backendUrl } from "../config";
import { TRACE_ID_HEADER, USER_HEADER } from "../contract";
import { currentUser } from "../identity";
import type { Endpoint } from "../routes";
import { fetchSpan, fetchSpanEnd, nameFetchSpan } from "../telemetry/fetch-spans";
import { logCall } from "./call-log";
import { callTiming, serverDuration } from "./timing";

const TIMEOUT_MS = 15_000;

type Outcome<T> =
  | { readonly ok: true; readonly data: T }
  | { readonly ok: false; readonly status: number | undefined; readonly message: string };

/** The outcome of a call: the parsed body, or one sentence that describes the error. */
export type ApiResult<T> = Outcome<T> & { readonly traceId: string };

interface HttpResponse {
  readonly response: Response;
  readonly text: string;
}

/** GET `endpoint` as a child of the span in `parent`. Never throws. */
export async function get<T>(endpoint: Endpoint, parent: Context): Promise<ApiResult<T>> {
  const init: RequestInit = { method: "GET", headers: requestHeaders(), signal: AbortSignal.timeout(TIMEOUT_MS) };
  nameFetchSpan(init, endpoint.template);
  const start = performance.now();
  const result = await send(endpoint, init, parent);
  const duration = performance.now() - start;
  // The interaction's span ends after this function returns, and must not end before its child.
  await fetchSpanEnd(init);

  const response = result instanceof Error ? undefined : result.response;
  const traceId = response?.headers.get(TRACE_ID_HEADER) ?? fetchSpan(init)?.spanContext().traceId ?? "";
  const timing = callTiming(duration, serverDuration(response?.headers.get("Server-Timing") ?? null));
  logCall({ method: "GET", path: endpoint.path, status: response?.status, traceId, timing });
  return { ...outcomeOf<T>(result), traceId };
}

function requestHeaders(): Record<string, string> {
  const user = currentUser();
  return { Accept: "application/json", ...(user ? { [USER_HEADER]: user } : {}) };
}

async function send(endpoint: Endpoint, init: RequestInit, parent: Context): Promise<HttpResponse | Error> {
  try {
    // Only the start of the fetch needs the context.
    const response = await context.with(parent, () => fetch(backendUrl() + endpoint.path, init));
    return { response, text: await response.text() };
  } catch (error) {
    return error as Error;
  }
}

function outcomeOf<T>(result: HttpResponse | Error): Outcome<T> {
  if (result instanceof Error) return { ok: false, status: undefined, message: networkErrorMessage(result) };
  const { response, text } = result;
  const body = parseJson(text);
  if (response.ok && body !== undefined) return { ok: true, data: body as T };
  const message = response.ok ? "The backend's response is not valid JSON." : httpErrorMessage(response.status, body);
  return { ok: false, status: response.status, message };
}

function networkErrorMessage(error: Error): string {
  return error.name === "TimeoutError"
    ? `The backend did not respond within ${TIMEOUT_MS / 1000} seconds.`
    : "The backend could not be reached. Check the connection and try again.";
}

function httpErrorMessage(status: number, body: unknown): string {
  const error = (body as { error?: { name?: unknown; message?: unknown } } | null | undefined)?.error;
  const name = typeof error?.name === "string" ? ` ${error.name}` : "";
  if (status >= 500) return `The backend failed with ${status}${name}.`;
  const reason = typeof error?.message === "string" ? `: ${error.message.replace(/\.?$/, ".")}` : ".";
  return `The backend rejected the request with ${status}${name}${reason}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
