import { element } from "./dom";
import { traceIdWithCopyButton } from "./trace-id";

/** Return a notice with an error message, the trace id to look it up by, and `actions` such as a retry button. */
export function errorNotice(message: string, traceId: string, ...actions: readonly Node[]): HTMLElement {
  const notice = element("div", { class: "notice problem" }, element("p", {}, message));
  if (traceId) notice.append(element("p", { class: "trace-line" }, "Trace id ", traceIdWithCopyButton(traceId)));
  notice.append(...actions);
  return notice;
}
