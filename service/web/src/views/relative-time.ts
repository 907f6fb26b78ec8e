const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** Return `iso` as people say it, "2 days ago" or "in 5 days"; empty where it is no time. */
export function relative(iso: string, now: number = Date.now()): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  if (Number.isNaN(seconds)) return "";
  for (const [unit, length] of UNITS) {
    // A little short of a unit is one: what expires in a day has lost a moment of it on the way here.
    if (Math.abs(seconds) >= length * 0.95) return words.format(Math.round(seconds / length), unit);
  }
  return "just now";
}
