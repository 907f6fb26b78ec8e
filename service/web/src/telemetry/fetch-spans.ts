import { type Span, SpanStatusCode } from "@opentelemetry/api";
import { FetchInstrumentation } from "@opentelemetry/instrumentation-fetch";

interface Settling {
  readonly span: Span;
  readonly settled: Promise<void>;
  readonly settle: () => void;
}

const known = new WeakMap<object, Settling>();
const templates = new WeakMap<object, string>();

/** Spans that have their end time, but are held back by the instrumentation until the browser's timings are in. */
const lingering = new Map<Span, number>();

// The instrumentation holds a span back for 300 ms; by then it is ended, and need not be kept any longer.
const LINGER_MS = 1000;

/** Have the span of the coming fetch with `init` named after `template`, which is the same for all its parameters. */
export function nameFetch(init: RequestInit, template: string): void {
  templates.set(init, template);
}

/** Return the span of the fetch that was given `init`, or nothing where it has none. */
export function spanOfFetch(init: RequestInit): Span | undefined {
  return known.get(init)?.span;
}

/** Wait until the span of the fetch with `init` has its end time. */
export async function fetchSettled(init: RequestInit): Promise<void> {
  await known.get(init)?.settled;
}

/** End every span that is only held back, because the page goes away. */
export function endLingeringFetches(): void {
  for (const [span, endTime] of lingering) span.end(endTime);
  lingering.clear();
}

/** Return the instrumentation that makes the CLIENT spans; `ignored` matches what makes none, `backend` may be told. */
export function fetchInstrumentation(ignored: RegExp, backend: RegExp): FetchInstrumentation {
  return new FetchInstrumentation({
    ignoreUrls: [ignored],
    propagateTraceHeaderCorsUrls: [backend],
    requestHook: (span, request) => begin(span, request),
    applyCustomAttributesOnSpan: (span, request, result) => finish(span, request, result),
  });
}

function begin(span: Span, request: Request | RequestInit): void {
  let settle = (): void => {};
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  known.set(request, { span, settled, settle });
  const template = templates.get(request);
  if (template === undefined) return;
  span.updateName(`${request.method ?? "GET"} ${template}`);
  span.setAttribute("url.template", template);
}

function finish(span: Span, request: Request | RequestInit, result: unknown): void {
  // The instrumentation itself calls no failure an error unless a response came.
  if (!(result instanceof Response)) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute("error.type", (result as Partial<Error> | undefined)?.name ?? "_OTHER");
  }
  lingering.set(span, Date.now());
  setTimeout(() => lingering.delete(span), LINGER_MS);
  known.get(request)?.settle();
}
