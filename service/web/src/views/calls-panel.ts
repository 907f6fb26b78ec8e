import { type Call, onCalls } from "../api/call-log";
import { type CallTiming, formatMs } from "../api/timing";
import { byId, element } from "./dom";
import { traceIdWithCopyButton } from "./trace-id";

/** Show the latest calls, and update the panel after each new one. */
export function initCallsPanel(): void {
  onCalls((calls) => {
    byId("no-calls").hidden = calls.length > 0;
    // All bars of the panel have the same scale.
    const longest = Math.max(...calls.map((call) => call.timing.total));
    byId("calls").replaceChildren(...calls.map((call) => callItem(call, longest)));
  });
}

function callItem(call: Call, longest: number): HTMLElement {
  const isError = call.status === undefined || call.status >= 400;
  const status = element("span", { class: isError ? "status failed" : "status" }, String(call.status ?? "no response"));
  const path = element("span", { class: "path", title: call.path }, `${call.method} ${call.path}`);
  const item = element("li", { class: "call" }, element("p", { class: "request" }, path, status));
  if (call.traceId) item.append(traceIdWithCopyButton(call.traceId));
  item.append(bar(call.timing, longest), figures(call.timing));
  return item;
}

/** Return the bar, hidden from screen readers, which read the same durations in the figures below it. */
function bar({ total, network, backend }: CallTiming, longest: number): HTMLElement {
  const parts =
    network === undefined || backend === undefined
      ? [barPart("unknown", total, longest)]
      : [barPart("network", network, longest), barPart("backend", backend, longest)];
  return element("div", { class: "bar", "aria-hidden": "true" }, ...parts);
}

function barPart(kind: string, milliseconds: number, longest: number): HTMLElement {
  const part = element("span", { class: kind });
  // The content security policy allows styles that are set through the CSSOM.
  part.style.width = `${longest > 0 ? (milliseconds / longest) * 100 : 0}%`;
  return part;
}

function figures({ total, network, backend }: CallTiming): HTMLElement {
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
