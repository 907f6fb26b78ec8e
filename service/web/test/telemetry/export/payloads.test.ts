import { describe, expect, it } from "vitest";
import { MAX_BYTES, serialize } from "../../../src/telemetry/export/payloads";
import { endedSpans } from "../ended-spans";

interface OtlpSpan {
  name: string;
  traceId: string;
  spanId: string;
  startTimeUnixNano: unknown;
}

interface OtlpRequest {
  resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
}

function parse(payload: Uint8Array): OtlpSpan[] {
  const request = JSON.parse(new TextDecoder().decode(payload)) as OtlpRequest;
  return request.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans));
}

describe("payloads", () => {
  it("are OTLP JSON, with ids in hex and times as strings of nanoseconds", () => {
    const [span] = endedSpans(1);
    const [payload] = serialize([span!]);
    const [otlpSpan] = parse(payload!);
    expect(otlpSpan).toMatchObject({
      name: "span 0",
      traceId: span!.spanContext().traceId,
      spanId: span!.spanContext().spanId,
      startTimeUnixNano: expect.stringMatching(/^\d{19}$/),
    });
  });

  it("hold 512 spans at most", () => {
    const payloads = serialize(endedSpans(1200), 10 * MAX_BYTES);
    expect(payloads.map((payload) => parse(payload).length)).toEqual([300, 300, 300, 300]);
  });

  it("stay below the size limit, and keep the order of the spans", () => {
    const payloads = serialize(endedSpans(100, { long: "é".repeat(4000) }));
    expect(payloads.length).toBeGreaterThan(1);
    for (const payload of payloads) expect(payload.byteLength).toBeLessThanOrEqual(MAX_BYTES);
    const names = Array.from({ length: 100 }, (_, index) => `span ${index}`);
    expect(payloads.flatMap(parse).map((span) => span.name)).toEqual(names);
  });

  it("omit a span over the size limit, and hold the others", () => {
    const large = endedSpans(1, { long: "x".repeat(5000) });
    const payloads = serialize([...endedSpans(1), ...large, ...endedSpans(1)], 4096);
    expect(payloads.flatMap(parse)).toHaveLength(2);
  });

  it("are none for no spans", () => {
    expect(serialize([])).toEqual([]);
  });
});
