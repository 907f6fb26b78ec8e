import { type Span, SpanStatusCode } from "@opentelemetry/api";
import { FetchInstrumentation } from "@opentelemetry/instrumentation-fetch";

interface FetchRecord {
  readonly span: Span;
  readonly end: Promise<void>;
  readonly resolveEnd: () => void;
}

// By the `init` that a fetch is called with: the instrumentation passes that very object to its hooks.
const records = new WeakMap<object, FetchRecord>();
const templates = new WeakMap<object, string>();

/** Spans with their end times, which the instrumentation does not end before it has the browser's resource timings. */
const pending = new Map<Span, number>();

// The instrumentation ends a span after 300 ms; by now it certainly has.
const PENDING_MS = 1000;

/** Name the span of the coming fetch with `init` after `template`, which has no parameters and so a low cardinality. */
export function nameFetchSpan(init: RequestInit, template: string): void {
  templates.set(init, template);
}

/** Return the span of the fetch with `init`, or undefined where it has none. */
export function fetchSpan(init: RequestInit): Span | undefined {
  return records.get(init)?.span;
}

/** Wait until the end time of the fetch with `init` is known. */
export async function fetchSpanEnd(init: RequestInit): Promise<void> {
  await records.get(init)?.end;
}

/** End every pending span now, because the page is being unloaded. */
export function endPendingFetchSpans(): void {
  for (const [span, endTime] of pending) span.end(endTime);
  pending.clear();
}

/** Return the instrumentation of `fetch`: no spans for URLs that match `ignore`, `traceparent` for `backend`'s. */
export function fetchInstrumentation(ignore: RegExp, backend: RegExp): FetchInstrumentation {
  return new FetchInstrumentation({
    ignoreUrls: [ignore],
    propagateTraceHeaderCorsUrls: [backend],
    requestHook: (span, request) => onRequest(span, request),
    applyCustomAttributesOnSpan: (span, request, result) => onResult(span, request, result),
  });
}

function onRequest(span: Span, request: Request | RequestInit): void {
  let resolveEnd = (): void => {};
  const end = new Promise<void>((resolve) => {
    resolveEnd = resolve;
  });
  records.set(request, { span, end, resolveEnd });
  const template = templates.get(request);
  if (template === undefined) return;
  span.updateName(`${request.method ?? "GET"} ${template}`);
  span.setAttribute("url.template", template);
}

function onResult(span: Span, request: Request | RequestInit, result: unknown): void {
  // The instrumentation sets the error status only where there is a response.
  if (!(result instanceof Response)) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute("error.type", (result as Partial<Error> | undefined)?.name ?? "_OTHER");
  }
  pending.set(span, Date.now());
  setTimeout(() => pending.delete(span), PENDING_MS);
  records.get(request)?.resolveEnd();
}
