const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

const format = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** Format the ISO 8601 time `iso` relative to `now`: "2 days ago", "in 5 days"; empty where it is invalid. */
export function relativeTime(iso: string, now: number = Date.now()): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  if (Number.isNaN(seconds)) return "";
  for (const [unit, length] of UNITS) {
    // Five percent of tolerance: a time that was one day away when the backend wrote it is a little less by now.
    if (Math.abs(seconds) >= length * 0.95) return format.format(Math.round(seconds / length), unit);
  }
  return "just now";
}
