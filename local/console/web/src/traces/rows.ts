// The rows of a tree on a time axis: what the waterfall and the X-Ray pane draw.
import type { ComponentChildren } from "preact";

export interface Row {
  /** Unique within its tree. */
  key: string;
  /** The span id, by which the other panes have the same thing; "" for none. */
  link: string;
  parent: string | null;
  level: number;
  kind: "bar" | "point";
  name: string;
  note: string;
  /** Milliseconds since the epoch, with fractions. */
  start: number;
  end: number;
  colour: string;
  failed: boolean;
  /** The client was at fault, or was throttled; or the line is a warning. */
  warned: boolean;
  badges: string[];
  marks: number[];
  descendants: number;
  detail: () => ComponentChildren;
  /** What the search in the trace looks at, beside the name and the note. */
  source: unknown;
}

export interface Axis {
  start: number;
  end: number;
}

export interface Node {
  id: string;
  parent: string;
  start: number;
}

/** Return the nodes in the order of a tree, with their levels: children by time; those without their parent are roots. */
export function inTreeOrder<T extends Node>(nodes: readonly T[]): { node: T; level: number; parent: string | null; descendants: number }[] {
  const ids = new Set(nodes.map((each) => each.id));
  const children = new Map<string, T[]>();
  const roots: T[] = [];
  for (const node of nodes) {
    if (node.parent && node.parent !== node.id && ids.has(node.parent)) {
      const siblings = children.get(node.parent);
      if (siblings) siblings.push(node);
      else children.set(node.parent, [node]);
    } else roots.push(node);
  }
  const ordered: { node: T; level: number; parent: string | null; descendants: number }[] = [];
  const seen = new Set<T>();
  const visit = (from: readonly T[], parent: string | null, firstLevel: number) => {
    // With a stack of its own: a hostile trace is nested deeper than the engine's.
    const stack = [...from].sort(byTime).reverse().map((node) => ({ node, level: firstLevel, parent }));
    while (stack.length) {
      const { node, level, parent } = stack.pop()!;
      if (seen.has(node)) continue;
      seen.add(node);
      ordered.push({ node, level, parent, descendants: 0 });
      for (const child of (children.get(node.id) ?? []).sort(byTime).reverse()) stack.push({ node: child, level: level + 1, parent: node.id });
    }
  };
  visit(roots, null, 0);
  // Cycles have no root.
  for (const node of nodes) if (!seen.has(node)) visit([node], null, 0);
  for (let index = ordered.length - 1; index >= 0; index--) {
    let next = index + 1;
    while (next < ordered.length && ordered[next]!.level > ordered[index]!.level) next += ordered[next]!.descendants + 1;
    ordered[index]!.descendants = next - index - 1;
  }
  return ordered;
}

const byTime = (one: Node, other: Node) => one.start - other.start;

/** The ends of the time that the rows span. */
export function axisOf(rows: readonly Row[]): Axis {
  let [start, end] = [Infinity, -Infinity];
  for (const row of rows) {
    if (!(row.start > 0)) continue;
    start = Math.min(start, row.start);
    end = Math.max(end, row.end);
  }
  return start <= end ? { start, end: Math.max(end, start + 0.001) } : { start: 0, end: 1 };
}

/** Return the rows that no collapsed row hides. */
export function visible(rows: readonly Row[], collapsed: ReadonlySet<string>): Row[] {
  const shown: Row[] = [];
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!;
    shown.push(row);
    if (collapsed.has(row.key)) index += row.descendants;
  }
  return shown;
}

/** Return up to `most` round times between the ends of an axis, in milliseconds from its start. */
export function ticks({ start, end }: Axis, most: number): number[] {
  const rough = (end - start) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999) ?? rough;
  return Array.from({ length: Math.floor(((end - start) / step) * 1.0001) }, (_, index) => (index + 1) * step);
}

/** Return the bar with the most time that none of its children covers: what the trace waited for. */
export function slowest(rows: readonly Row[]): Row | undefined {
  const children = new Map<string, Row[]>();
  const bars = rows.filter((row) => row.kind === "bar");
  for (const bar of bars) {
    const siblings = children.get(bar.parent ?? "");
    if (siblings) siblings.push(bar);
    else children.set(bar.parent ?? "", [bar]);
  }
  let [most, found] = [-1, undefined as Row | undefined];
  for (const bar of bars) {
    const own = bar.end - bar.start - covered(bar, children.get(bar.key) ?? []);
    if (own > most) [most, found] = [own, bar];
  }
  return found;
}

function covered({ start, end }: Row, children: Row[]): number {
  let [time, until] = [0, start];
  for (const child of children.sort((one, other) => one.start - other.start)) {
    const [from, to] = [Math.max(until, child.start), Math.min(end, child.end)];
    if (to > from) [time, until] = [time + to - from, to];
  }
  return time;
}
