// Text of others: what could hide or reorder characters is made visible, and what is too long is cut.

const MAX_LINE = 600;
const MAX_BLOCK = 40_000;
/** Controls but tab and newline, the marks that reorder text, and what has no width. */
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${(text.length - max).toLocaleString("en")} more characters)`;
}

/** A text of several lines. */
export const block = (text: string): string => cut(text.replace(/\r\n/g, "\n"), MAX_BLOCK).replace(INVISIBLE, escaped);

/** A text in one line. */
export const line = (text: string, max = MAX_LINE): string => cut(text, max).replace(/\s*\n\s*/g, " ⏎ ").replace(INVISIBLE, escaped);

/** Any JSON value as a text of one line. */
export function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : (JSON.stringify(value) ?? "");
}

export const asText = (value: unknown): string => (typeof value === "string" ? value : value == null ? "" : valueText(value));
export const asNumber = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
export const asArray = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** A duration of milliseconds with three significant digits: each limit is where the smaller unit would round to it. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The time of day, with milliseconds on request; before it the day, where that is another one. */
export function time(ms: number, { precise = false } = {}): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "–";
  const text = clock.format(date) + (precise ? `.${String(date.getMilliseconds()).padStart(3, "0")}` : "");
  return date.toDateString() === new Date().toDateString() ? text : `${day.format(date)} ${text}`;
}

const SHOWN_FOLDERS = 3;

/** The end of a path: of a library's file within its package, of another the last folders. */
export function shortPath(path: string): string {
  const packaged = /\/(?:site|dist)-packages\/(.+)$/.exec(path)?.[1];
  return line(packaged ?? path.split("/").slice(-SHOWN_FOLDERS).join("/"), 200);
}

export const count = (number: number, noun: string): string => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
