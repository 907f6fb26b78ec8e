import type { TimeSplit } from "./timing";

/** One call to the backend, as the page shows it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  /** The status of the response, or nothing where none came. */
  readonly status: number | undefined;
  readonly traceId: string;
  readonly time: TimeSplit;
}

const KEPT = 8;

let calls: readonly Call[] = [];
const listeners: ((calls: readonly Call[]) => void)[] = [];

/** Note `call` as the last one, and tell who listens. */
export function noteCall(call: Call): void {
  calls = [call, ...calls].slice(0, KEPT);
  for (const listener of listeners) listener(calls);
}

/** Have `listener` told of the last calls, the newest first, whenever there is a new one. */
export function onCalls(listener: (calls: readonly Call[]) => void): void {
  listeners.push(listener);
}
