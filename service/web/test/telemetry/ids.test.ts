import { afterEach, describe, expect, it, vi } from "vitest";
import { newSpanId, newTraceId, xrayShapedIds } from "../../src/telemetry/ids";

afterEach(() => vi.restoreAllMocks());

describe("ids", () => {
  it("begin a trace id with the seconds since the epoch, as X-Ray wants it", () => {
    expect(newTraceId(1_465_510_280_999)).toMatch(/^5759e988[0-9a-f]{24}$/);
    const seconds = Number.parseInt(xrayShapedIds.generateTraceId().slice(0, 8), 16);
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(2);
  });

  it("differ", () => {
    const made = new Set(Array.from({ length: 1000 }, () => newTraceId(0)));
    expect(made.size).toBe(1000);
  });

  it("are never all zeros", () => {
    vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => array);
    expect(newTraceId(0)).toBe("00000000000000000000000000000001");
    expect(newSpanId()).toBe("0000000000000001");
  });
});
