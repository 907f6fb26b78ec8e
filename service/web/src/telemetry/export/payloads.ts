import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-web";

/** The body of one export request, OTLP JSON. */
export type Payload = Uint8Array<ArrayBuffer>;

/** The relay's limit for one request. */
export const MAX_SPANS = 512;

/** Below the relay's limit of 128 KiB, so that the browser can keep each request alive: its limit for all is 64 KiB. */
export const MAX_BYTES = 60 * 1024;

/**
 * Serialize `spans` into as few payloads as the limits allow, by halving what is too large.
 *
 * A single span over the limit is dropped: no request could carry it.
 */
export function serialize(spans: readonly ReadableSpan[], maxBytes: number = MAX_BYTES): Payload[] {
  if (spans.length === 0) return [];
  if (spans.length <= MAX_SPANS) {
    const payload = JsonTraceSerializer.serializeRequest([...spans]) as Payload | undefined;
    if (payload && payload.byteLength <= maxBytes) return [payload];
    if (spans.length === 1) return [];
  }
  const half = Math.ceil(spans.length / 2);
  return [...serialize(spans.slice(0, half), maxBytes), ...serialize(spans.slice(half), maxBytes)];
}
