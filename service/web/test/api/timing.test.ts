import { describe, expect, it } from "vitest";
import { callTiming, formatMs, serverDuration } from "../../src/api/timing";

describe("the Server-Timing header", () => {
  it.each([
    ["app;dur=12.3", 12.3],
    ["db;dur=3, app;dur=12", 12],
    ['db;desc="a, app;dur=99";dur=3, app;desc="it; \\"says\\"";dur=7.5', 7.5],
    ["APP ; Dur = 4", 4],
    ['app;dur="8"', 8],
    ["app", undefined],
    ["app;dur=-1", undefined],
    ["app;dur=soon", undefined],
    ["application;dur=5", undefined],
    ["", undefined],
    [null, undefined],
  ])("%j has the duration %j", (header, expected) => {
    expect(serverDuration(header)).toBe(expected);
  });
});

describe("the timing of a call", () => {
  it("is the sum of backend and network", () => {
    expect(callTiming(40, 12.5)).toEqual({ total: 40, backend: 12.5, network: 27.5 });
  });

  it("has no part longer than the total when the clocks disagree", () => {
    expect(callTiming(10, 11)).toEqual({ total: 10, backend: 10, network: 0 });
  });

  it("has no parts where the response has no duration", () => {
    expect(callTiming(10, undefined)).toEqual({ total: 10, backend: undefined, network: undefined });
  });

  it.each([
    [0, "0.0 ms"],
    [3.14159, "3.1 ms"],
    [123.4, "123 ms"],
    [12345, "12,345 ms"],
  ])("%d is formatted as %s", (milliseconds, text) => {
    expect(formatMs(milliseconds)).toBe(text);
  });
});
