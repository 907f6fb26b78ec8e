import type { CallTiming } from "./timing";

/** One call to the backend. */
export interface Call {
  readonly method: string;
  readonly path: string;
  /** The HTTP status, or undefined where no response came. */
  readonly status: number | undefined;
  readonly traceId: string;
  readonly timing: CallTiming;
}

const MAX_CALLS = 8;

let calls: readonly Call[] = [];
const listeners: ((calls: readonly Call[]) => void)[] = [];

/** Add `call` to the log and notify the listeners; the oldest call is dropped. */
export function logCall(call: Call): void {
  calls = [call, ...calls].slice(0, MAX_CALLS);
  for (const listener of listeners) listener(calls);
}

/** Call `listener` with the latest calls, newest first, after each new one. */
export function onCalls(listener: (calls: readonly Call[]) => void): void {
  listeners.push(listener);
}
