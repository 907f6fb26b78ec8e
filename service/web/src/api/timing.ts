/** A call's duration and its parts, in milliseconds; the parts are undefined where the response has no duration. */
export interface CallTiming {
  readonly total: number;
  readonly backend: number | undefined;
  readonly network: number | undefined;
}

// "Server Timing", section 3: a comma-separated list of metrics, each a token and its parameters, whose value is a
// token or a quoted string. Commas and semicolons inside quotes are not separators.
const METRICS = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g;
const PARAMETERS = /(?:[^;"]|"(?:[^"\\]|\\.)*")+/g;

/** Return the duration of `metric` in a `Server-Timing` header, in milliseconds, or undefined where it has none. */
export function serverDuration(header: string | null, metric = "app"): number | undefined {
  for (const entry of header?.match(METRICS) ?? []) {
    const [name, ...parameters] = (entry.match(PARAMETERS) ?? []).map((part) => part.trim());
    if (name?.toLowerCase() !== metric) continue;
    for (const parameter of parameters) {
      const duration = /^dur\s*=\s*"?(\d+(?:\.\d+)?)"?$/i.exec(parameter);
      if (duration) return Number(duration[1]);
    }
  }
  return undefined;
}

/** Split `total` into the backend's duration and the network's, which is the rest. */
export function callTiming(total: number, backend: number | undefined): CallTiming {
  if (backend === undefined) return { total, backend, network: undefined };
  // The two come from different clocks, and the browser's is coarse: no part may exceed the total.
  const clamped = Math.min(backend, total);
  return { total, backend: clamped, network: total - clamped };
}

/** Format a duration in milliseconds for people. */
export function formatMs(milliseconds: number): string {
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds).toLocaleString("en")} ms`;
}
