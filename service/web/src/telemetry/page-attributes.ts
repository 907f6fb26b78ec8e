import type { Span, SpanProcessor } from "@opentelemetry/sdk-trace-web";
import { sessionId } from "../identity";
import { pageUrl, parseRoute, routeTemplate } from "../routes";

const STATUS_CODE = "http.response.status_code";

/** Return the attributes of the current page. */
export function pageAttributes(): Record<string, string> {
  return { "page.route": routeTemplate(parseRoute(location.hash)), "page.url": pageUrl(location) };
}

/** Sets the session and the page on every span, so that any span can be grouped by them. The relay sets the user. */
export class PageAttributesProcessor implements SpanProcessor {
  onStart(span: Span): void {
    span.setAttributes({ "session.id": sessionId(), ...pageAttributes() });
  }

  onEnding(span: Span): void {
    // The fetch instrumentation sets 0 where no response came, which is no HTTP status code.
    if (span.attributes[STATUS_CODE] === 0) delete span.attributes[STATUS_CODE];
  }

  onEnd(): void {}

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
