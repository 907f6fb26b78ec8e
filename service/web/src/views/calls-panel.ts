import { type Call, onCalls } from "../api/call-log";
import { traceIdWithCopy } from "./trace-id";
import { byId, element } from "./dom";
import { type TimeSplit, formatMs } from "../api/timing";

/** Keep the panel of the last calls up to date. */
export function showCalls(): void {
  onCalls((calls) => {
    byId("no-calls").hidden = calls.length > 0;
    // The bars of one panel have one scale, so that a slow call looks slow.
    const longest = Math.max(...calls.map((each) => each.time.total));
    byId("calls").replaceChildren(...calls.map((each) => entry(each, longest)));
  });
}

function entry(call: Call, longest: number): HTMLElement {
  const failed = call.status === undefined || call.status >= 400;
  const status = element("span", { class: failed ? "status failed" : "status" }, String(call.status ?? "no answer"));
  const path = element("span", { class: "path", title: call.path }, `${call.method} ${call.path}`);
  const made = element("li", { class: "call" }, element("p", { class: "request" }, path, status));
  if (call.traceId) made.append(traceIdWithCopy(call.traceId));
  made.append(bar(call.time, longest), figures(call.time));
  return made;
}

/** The figures below say the same in words, so the bar is hidden from a screen reader. */
function bar({ total, network, backend }: TimeSplit, longest: number): HTMLElement {
  const parts =
    network === undefined || backend === undefined
      ? [part("unknown", total, longest)]
      : [part("network", network, longest), part("backend", backend, longest)];
  return element("div", { class: "bar", "aria-hidden": "true" }, ...parts);
}

function part(kind: string, milliseconds: number, longest: number): HTMLElement {
  const made = element("span", { class: kind });
  // Through the CSSOM, which the content security policy allows.
  made.style.width = `${longest > 0 ? (milliseconds / longest) * 100 : 0}%`;
  return made;
}

function figures({ total, network, backend }: TimeSplit): HTMLElement {
  const rows: [string, string][] = [
    ["Total", formatMs(total)],
    ["Network", network === undefined ? "unknown" : formatMs(network)],
    ["Backend", backend === undefined ? "unknown" : formatMs(backend)],
  ];
  return element(
    "dl",
    { class: "figures" },
    ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}
