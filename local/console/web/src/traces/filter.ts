// The terms of the filter. Their grammar is the server's (docs/traces.md); the page only adds and removes whole terms.
import { filter } from "../router";

/** Split at spaces outside of quotes. */
const termsOf = (text: string): string[] => text.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g) ?? [];

/** The term with its value in quotation marks where it needs them. */
const quoted = (term: string) => term.replace(/^([^\s":]+:)(.*[\s"].*|)$/s, (_, key: string, value: string) => `${key}"${value.replace(/[\\"]/g, "\\$&")}"`);

export const hasTerm = (term: string): boolean => termsOf(filter.value).includes(quoted(term));

/** The filter with the term added to it. */
export const addTerm = (term: string): string => (hasTerm(term) ? filter.value : [...termsOf(filter.value), quoted(term)].join(" "));

/** The filter with the term, or without it if it had it; terms of the same kind are exclusive. */
export function toggleTerm(term: string): string {
  const terms = termsOf(filter.value);
  const own = quoted(term);
  if (terms.includes(own)) return terms.filter((each) => each !== own).join(" ");
  const kind = `${own.split(":")[0]}:`;
  return [...terms.filter((each) => !each.startsWith(kind)), own].join(" ");
}
