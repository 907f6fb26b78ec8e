import { type Context, context } from "@opentelemetry/api";
import { noteCall } from "./call-log";
import { fetchSettled, nameFetch, spanOfFetch } from "../telemetry/fetch-spans";
import { currentUser } from "../identity";
import { backendUrl } from "../config";
import type { Endpoint } from "../routes";
import { serverDuration, splitTime } from "./timing";

/** Names the user to the service, which believes it outside production only. */
const USER_HEADER = "X-Cruddur-User";
const TRACE_HEADER = "X-Trace-Id";
const TIMEOUT_MS = 15_000;

/** What a call gave: the body's data, or one sentence that says what went wrong. */
export type Answer<T> =
  | { readonly ok: true; readonly data: T; readonly traceId: string }
  | { readonly ok: false; readonly status: number | undefined; readonly sentence: string; readonly traceId: string };

interface Reply {
  readonly response: Response;
  readonly text: string;
}

/** GET `endpoint` as a child of the span in `within`. Never throws. */
export async function get<T>(endpoint: Endpoint, within: Context): Promise<Answer<T>> {
  const init: RequestInit = { method: "GET", headers: headers(), signal: AbortSignal.timeout(TIMEOUT_MS) };
  nameFetch(init, endpoint.template);
  const begun = performance.now();
  const reply = await ask(endpoint, init, within);
  const total = performance.now() - begun;
  // The span of an interaction ends after this function's, and must not end before the call's.
  await fetchSettled(init);

  const response = reply instanceof Error ? undefined : reply.response;
  const traceId = response?.headers.get(TRACE_HEADER) ?? spanOfFetch(init)?.spanContext().traceId ?? "";
  const time = splitTime(total, serverDuration(response?.headers.get("Server-Timing") ?? null));
  noteCall({ method: "GET", path: endpoint.path, status: response?.status, traceId, time });
  return { ...read<T>(reply), traceId };
}

function headers(): Record<string, string> {
  const user = currentUser();
  return { Accept: "application/json", ...(user ? { [USER_HEADER]: user } : {}) };
}

async function ask(endpoint: Endpoint, init: RequestInit, within: Context): Promise<Reply | Error> {
  try {
    // The fetch starts within the context; the waiting for it need not.
    const response = await context.with(within, () => fetch(backendUrl() + endpoint.path, init));
    return { response, text: await response.text() };
  } catch (error) {
    return error as Error;
  }
}

type Read<T> = { ok: true; data: T } | { ok: false; status: number | undefined; sentence: string };

function read<T>(reply: Reply | Error): Read<T> {
  if (reply instanceof Error) return { ok: false, status: undefined, sentence: withoutAnswer(reply) };
  const { response, text } = reply;
  const body = parsed(text);
  if (response.ok && body !== undefined) return { ok: true, data: body as T };
  const sentence = response.ok ? "The backend's answer could not be read." : refusal(response.status, body);
  return { ok: false, status: response.status, sentence };
}

function withoutAnswer(error: Error): string {
  return error.name === "TimeoutError"
    ? `The backend did not answer within ${TIMEOUT_MS / 1000} seconds.`
    : "The backend could not be reached. Check the connection and try again.";
}

function refusal(status: number, body: unknown): string {
  const error = (body as { error?: { name?: unknown; message?: unknown } } | null | undefined)?.error;
  const name = typeof error?.name === "string" ? ` ${error.name}` : "";
  if (status >= 500) return `The backend failed with ${status}${name}.`;
  const message = typeof error?.message === "string" ? `: ${error.message.replace(/\.?$/, ".")}` : ".";
  return `The backend refused this with ${status}${name}${message}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
