import type { Span, SpanProcessor } from "@opentelemetry/sdk-trace-web";
import { currentUser, sessionId } from "../identity";
import { pageRoute, pageUrl, routeOf } from "../routes";

const STATUS_CODE = "http.response.status_code";

/** Return what says which page is shown. */
export function pageAttributes(): Record<string, string> {
  return { "page.route": pageRoute(routeOf(location.hash)), "page.url": pageUrl(location) };
}

/** Puts on each span who is there and on which page: a back end can then group any span by them. */
export class StampingProcessor implements SpanProcessor {
  onStart(span: Span): void {
    span.setAttributes({ "session.id": sessionId(), ...pageAttributes() });
    const user = currentUser();
    if (user) span.setAttribute("user.id", user);
  }

  onEnding(span: Span): void {
    // The fetch instrumentation writes 0 where no response came, which is no status code of HTTP.
    if (span.attributes[STATUS_CODE] === 0) delete span.attributes[STATUS_CODE];
  }

  onEnd(): void {}

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}
