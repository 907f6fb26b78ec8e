import { type Context, ROOT_CONTEXT, type Span, SpanStatusCode, context, trace } from "@opentelemetry/api";

const open = new Set<Span>();

/**
 * Run `handler` within a new trace whose root span is `name`, and end that span when the handler has.
 *
 * The handler passes the context on to each call it makes: a browser keeps none across `await`, and what keeps one
 * by patching every asynchronous function of the page costs more than an argument.
 */
export async function interact<T>(
  name: string,
  event: { readonly type: string; readonly target?: EventTarget | null } | undefined,
  handler: (context: Context) => Promise<T>,
): Promise<T> {
  // The attributes' names are those of OpenTelemetry's user-interaction instrumentation.
  const attributes: Record<string, string> = event ? { event_type: event.type, ...targetOf(event.target) } : {};
  const span = trace.getTracer("interaction").startSpan(name, { attributes, root: true });
  open.add(span);
  const within = trace.setSpan(ROOT_CONTEXT, span);
  try {
    return await context.with(within, handler, undefined, within);
  } catch (error) {
    span.recordException(error as Error);
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    open.delete(span);
    // The wall clock, which ends fetch spans too: by the finer one this span could end before its child.
    span.end(Date.now());
  }
}

/** End what is still open, because the page goes away and nothing will end it later. */
export function endOpenInteractions(): void {
  for (const span of open) span.end(Date.now());
  open.clear();
}

function targetOf(target: EventTarget | null | undefined): Record<string, string> {
  if (!(target instanceof Element)) return {};
  return { target_element: target.tagName, ...(target.id ? { target_id: target.id } : {}) };
}
