import { type Context, ROOT_CONTEXT, type Span, SpanStatusCode, context, trace } from "@opentelemetry/api";

const openSpans = new Set<Span>();

/**
 * Run `handler` in a new trace whose root span is called `name`, and end that span when the handler returns.
 *
 * The handler passes its context on to each call: browsers have no context that survives `await`, and a context
 * manager that patches every asynchronous function of the page costs more than an argument.
 */
export async function traceInteraction<T>(
  name: string,
  event: { readonly type: string; readonly target?: EventTarget | null } | undefined,
  handler: (context: Context) => Promise<T>,
): Promise<T> {
  // The attribute names of OpenTelemetry's user-interaction instrumentation.
  const attributes: Record<string, string> = event ? { event_type: event.type, ...targetAttributes(event.target) } : {};
  const span = trace.getTracer("interaction").startSpan(name, { attributes, root: true });
  openSpans.add(span);
  const spanContext = trace.setSpan(ROOT_CONTEXT, span);
  try {
    return await context.with(spanContext, handler, undefined, spanContext);
  } catch (error) {
    span.recordException(error as Error);
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    openSpans.delete(span);
    // By the wall clock, as fetch spans: by the finer clock this span could end before its child.
    span.end(Date.now());
  }
}

/** End every open span now, because the page is being unloaded. */
export function endOpenInteractions(): void {
  for (const span of openSpans) span.end(Date.now());
  openSpans.clear();
}

function targetAttributes(target: EventTarget | null | undefined): Record<string, string> {
  if (!(target instanceof Element)) return {};
  return { target_element: target.tagName, ...(target.id ? { target_id: target.id } : {}) };
}
