// What the sections of both pages are made of: cards, states, facts and times.
import { type ComponentChildren, createContext } from "preact";
import { useContext } from "preact/hooks";
import type { ApiError } from "../api";
import { line, time } from "../text";
import type { Reading } from "./polled";

export type Tone = "ok" | "warn" | "danger" | "quiet";

const MARKS: Record<Tone, string> = { ok: "●", warn: "▲", danger: "■", quiet: "○" };

/** A state in words; its mark differs in shape too, not in colour alone. */
export function State({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true">{MARKS[tone]}</span>
      {"\u00a0"}
      {children}
    </span>
  );
}

/** The message of an error that the page shows once for all its cards. */
export const SharedProblem = createContext("");

interface CardProps<T> {
  id: string;
  title: string;
  reading: Reading<T>;
  note?: ComponentChildren;
  children: (data: T) => ComponentChildren;
}

/** One section: what it has, or why that cannot be read, beside what was read before. */
export function Card<T>({ id, title, reading, note, children }: CardProps<T>) {
  const { data, error, at } = reading;
  const isShared = error !== undefined && error.message === useContext(SharedProblem);
  return (
    <section class="card" id={id} aria-labelledby={`${id}-title`} aria-busy={data === undefined && !error}>
      <header>
        <h2 id={`${id}-title`} tabIndex={-1}>{title}</h2>
        {note && <p class="note">{note}</p>}
      </header>
      {error && !isShared && <Problem error={error} since={data === undefined ? 0 : at} />}
      {isShared && <p class="note">{data === undefined ? "It could not be read." : `As read at ${time(at)}.`}</p>}
      {data === undefined ? !error && <p class="loading">Reading …</p> : <div class={error ? "stale" : undefined}>{children(data)}</div>}
    </section>
  );
}

export function Problem({ error, since = 0 }: { error: ApiError; since?: number }) {
  return (
    <div class="problem" role="alert">
      <b>{line(error.message)}</b>
      <span>{line(error.remedy)}.</span>
      {since > 0 && <span>Below is what was read at {time(since)}.</span>}
    </div>
  );
}

export function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value === "" || value === null || value === undefined ? "–" : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A table that scrolls by itself where it is too wide, by keyboard too. */
export function Table({ label, head, children }: { label: string; head: ComponentChildren[]; children: ComponentChildren }) {
  return (
    <div class="scroll" role="group" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map((each, index) => (
              <th key={index} scope="col">
                {each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Seconds since the epoch, as an age. */
export function Age({ at }: { at: number | null | undefined }) {
  if (!at) return <>–</>;
  const date = new Date(at * 1000);
  return (
    <time dateTime={date.toISOString()} title={time(date.getTime())}>
      {age(Date.now() / 1000 - at)}
    </time>
  );
}

export function age(seconds: number): string {
  if (seconds < 5) return "just now";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value < 1024) return `${value} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(value) / 10), units.length);
  return `${(value / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}

export const count = (value: number): string => value.toLocaleString("en-US");

export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

const WEB = /^https?:\/\/[^\s]+$/i;

/** The address if it may be a link's: nothing but http and this page's own paths. */
export const safeUrl = (text: string): string | undefined => (WEB.test(text) || /^\/[a-z]*$/.test(text) ? text : undefined);
