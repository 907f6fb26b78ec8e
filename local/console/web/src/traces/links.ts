// The same thing in several panes has one key, its span id: the one under the pointer or the focus is marked in each, and a
// click scrolls each to it.
import { signal } from "@preact/signals";

export const pointed = signal("");
export const chosen = signal<{ key: string; token: number }>({ key: "", token: 0 });

let token = 0;

export const point = (key: string) => (pointed.value = key);

/** A greater number than any before. */
export const nextToken = (): number => ++token;

export function choose(key: string): void {
  chosen.value = { key, token: nextToken() };
}

/** The class of a row with this key. */
export function markOf(key: string): string {
  if (!key) return "";
  if (chosen.value.key === key) return " chosen";
  return pointed.value === key ? " pointed" : "";
}
