import { describe, expect, it } from "vitest";
import { MAX_BYTES, pack } from "../../../src/telemetry/export/payloads";
import { endedSpans } from "../ended-spans";

interface Body {
  resourceSpans: { scopeSpans: { spans: { name: string; traceId: string; spanId: string; startTimeUnixNano: unknown }[] }[] }[];
}

function spansIn(body: Uint8Array): Body["resourceSpans"][0]["scopeSpans"][0]["spans"] {
  const read = JSON.parse(new TextDecoder().decode(body)) as Body;
  return read.resourceSpans.flatMap((each) => each.scopeSpans.flatMap((scope) => scope.spans));
}

describe("packing", () => {
  it("writes OTLP JSON, its ids in hex and its times as strings of nanoseconds", () => {
    const [span] = endedSpans(1);
    const [body] = pack([span!]);
    const [written] = spansIn(body!);
    expect(written).toMatchObject({
      name: "span 0",
      traceId: span!.spanContext().traceId,
      spanId: span!.spanContext().spanId,
      startTimeUnixNano: expect.stringMatching(/^\d{19}$/),
    });
  });

  it("keeps each body within 512 spans, and loses none", () => {
    const bodies = pack(endedSpans(1200), 10 * MAX_BYTES);
    expect(bodies.map((each) => spansIn(each).length)).toEqual([300, 300, 300, 300]);
  });

  it("keeps each body within the bytes, and the spans in their order", () => {
    const bodies = pack(endedSpans(100, { long: "é".repeat(4000) }));
    expect(bodies.length).toBeGreaterThan(1);
    for (const body of bodies) expect(body.byteLength).toBeLessThanOrEqual(MAX_BYTES);
    expect(bodies.flatMap(spansIn).map((each) => each.name)).toEqual(Array.from({ length: 100 }, (_, n) => `span ${n}`));
  });

  it("leaves out a span that no request could carry, and sends the others", () => {
    const large = endedSpans(1, { long: "x".repeat(5000) });
    const bodies = pack([...endedSpans(1), ...large, ...endedSpans(1)], 4096);
    expect(bodies.flatMap(spansIn)).toHaveLength(2);
  });

  it("makes no request of nothing", () => {
    expect(pack([])).toEqual([]);
  });
});
