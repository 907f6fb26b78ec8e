const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Return `iso` as people say it, "2 days ago" or "in 5 days"; empty where it is no time. */
export function relative(iso: string, now: number = Date.now()): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  if (Number.isNaN(seconds)) return "";
  for (const [unit, length] of UNITS) {
    // Rounded before it is compared, so that a feed served a moment ago does not lose a day by a second.
    const count = Math.round(seconds / length);
    if (Math.abs(count) >= 1 && Math.abs(seconds) >= length * 0.95) return words.format(count, unit);
  }
  return "just now";
}
