import { expect, it } from "vitest";
import { relativeTime } from "../../src/views/relative-time";

const now = Date.parse("2026-03-01T12:00:00+00:00");

it.each([
  ["2026-03-01T11:59:40+00:00", "just now"],
  ["2026-03-01T11:00:00+00:00", "1 hour ago"],
  ["2026-02-27T12:00:00+00:00", "2 days ago"],
  ["2026-03-06T11:59:58+00:00", "in 5 days"],
  ["2026-03-02T11:59:58+00:00", "in 1 day"],
  ["not a time", ""],
])("%s is formatted as %j", (iso, text) => {
  expect(relativeTime(iso, now)).toBe(text);
});
