/** Where the time of a call went, in milliseconds. The parts are unknown where the response names no duration. */
export interface TimeSplit {
  readonly total: number;
  readonly backend: number | undefined;
  readonly network: number | undefined;
}

// "Server Timing", section 3: a comma-separated list of metrics, each a token and its parameters, whose value is a
// token or a quoted string. A comma or semicolon inside quotes separates nothing.
const METRICS = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g;
const PARAMETERS = /(?:[^;"]|"(?:[^"\\]|\\.)*")+/g;

/** Return the duration that a `Server-Timing` header gives for `metric`, or nothing where there is none. */
export function serverDuration(header: string | null, metric = "app"): number | undefined {
  for (const entry of header?.match(METRICS) ?? []) {
    const [name, ...parameters] = (entry.match(PARAMETERS) ?? []).map((each) => each.trim());
    if (name?.toLowerCase() !== metric) continue;
    for (const parameter of parameters) {
      const found = /^dur\s*=\s*"?(\d+(?:\.\d+)?)"?$/i.exec(parameter);
      if (found) return Number(found[1]);
    }
  }
  return undefined;
}

/** Divide `total` into what the backend took and the rest, which is the network and its queues. */
export function splitTime(total: number, backend: number | undefined): TimeSplit {
  if (backend === undefined) return { total, backend, network: undefined };
  // Two clocks are compared: the browser's is coarse, so the parts are kept within the whole.
  const within = Math.min(backend, total);
  return { total, backend: within, network: total - within };
}

/** Return `milliseconds` as people read them. */
export function formatMs(milliseconds: number): string {
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds).toLocaleString("en")} ms`;
}
