import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-web";

/** Bodies of OTLP JSON that are within both limits of the relay. */
export const MAX_SPANS = 512;
export const MAX_BYTES = 256 * 1024;

/**
 * Return `spans` as OTLP JSON in as few bodies as the limits allow, halving what is too large.
 *
 * A single span over the limit is left out: no request could carry it.
 */
export function pack(spans: readonly ReadableSpan[], maxBytes: number = MAX_BYTES): Uint8Array<ArrayBuffer>[] {
  if (spans.length === 0) return [];
  if (spans.length <= MAX_SPANS) {
    const body = JsonTraceSerializer.serializeRequest([...spans]) as Uint8Array<ArrayBuffer> | undefined;
    if (body && body.byteLength <= maxBytes) return [body];
    if (spans.length === 1) return [];
  }
  const half = Math.ceil(spans.length / 2);
  return [...pack(spans.slice(0, half), maxBytes), ...pack(spans.slice(half), maxBytes)];
}
