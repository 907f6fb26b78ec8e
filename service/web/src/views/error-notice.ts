import { traceIdWithCopy } from "./trace-id";
import { element } from "./dom";

/** Return a notice that says what went wrong in a sentence, with the trace id that finds it, and what can be done. */
export function problem(sentence: string, traceId: string, ...actions: readonly Node[]): HTMLElement {
  const notice = element("div", { class: "notice problem" }, element("p", {}, sentence));
  if (traceId) notice.append(element("p", { class: "trace-line" }, "Trace id ", traceIdWithCopy(traceId)));
  notice.append(...actions);
  return notice;
}
