import type { IdGenerator } from "@opentelemetry/sdk-trace-web";

/**
 * Return a new trace id as 32 hex digits, the first 8 of them the seconds since the epoch.
 *
 * X-Ray takes no other: "Sending trace data to AWS X-Ray" in its developer guide. The other 96 bits are random.
 */
export function newTraceId(milliseconds: number = Date.now()): string {
  const seconds = Math.floor(milliseconds / 1000) % 2 ** 32;
  return seconds.toString(16).padStart(8, "0") + randomHex(12);
}

/** Return a new span id as 16 hex digits. */
export function newSpanId(): string {
  return randomHex(8);
}

/** Return `bytes` random bytes as hex digits, never all of them 0: W3C Trace Context calls such an id invalid. */
export function randomHex(bytes: number): string {
  // Not crypto.randomUUID: a page served over plain http does not have it.
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  if (random.every((each) => each === 0)) random[bytes - 1] = 1;
  return Array.from(random, (each) => each.toString(16).padStart(2, "0")).join("");
}

export const xrayShapedIds: IdGenerator = {
  generateTraceId: () => newTraceId(),
  generateSpanId: newSpanId,
};
