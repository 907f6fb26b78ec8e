import { afterEach, describe, expect, it, vi } from "vitest";
import { newSpanId, newTraceId, xrayIdGenerator } from "../../src/telemetry/ids";

afterEach(() => vi.restoreAllMocks());

describe("ids", () => {
  it("of traces begin with the seconds since the epoch, as X-Ray requires", () => {
    expect(newTraceId(1_465_510_280_999)).toMatch(/^5759e988[0-9a-f]{24}$/);
    const seconds = Number.parseInt(xrayIdGenerator.generateTraceId().slice(0, 8), 16);
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(2);
  });

  it("are unique", () => {
    const ids = new Set(Array.from({ length: 1000 }, () => newTraceId(0)));
    expect(ids.size).toBe(1000);
  });

  it("are never all zero", () => {
    vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => array);
    expect(newTraceId(0)).toBe("00000000000000000000000000000001");
    expect(newSpanId()).toBe("0000000000000001");
  });
});
