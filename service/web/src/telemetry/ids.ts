import type { IdGenerator } from "@opentelemetry/sdk-trace-web";
import { randomHex } from "../random";

/**
 * Return a new trace id as 32 hex digits, the first 8 of which are the seconds since the epoch.
 *
 * X-Ray requires this ("Sending trace data to AWS X-Ray" in its developer guide). The other 96 bits are random.
 */
export function newTraceId(milliseconds: number = Date.now()): string {
  const seconds = Math.floor(milliseconds / 1000) % 2 ** 32;
  return seconds.toString(16).padStart(8, "0") + randomHex(12);
}

/** Return a new span id as 16 hex digits. */
export function newSpanId(): string {
  return randomHex(8);
}

/** Generates ids that both OpenTelemetry and X-Ray accept. */
export const xrayIdGenerator: IdGenerator = {
  generateTraceId: () => newTraceId(),
  generateSpanId: newSpanId,
};
