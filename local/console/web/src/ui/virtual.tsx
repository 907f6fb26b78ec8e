// A list that draws only the rows in view, each measured once it is drawn.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props<T> {
  items: readonly T[];
  keyOf: (item: T) => string;
  /** The height in pixels of a row that has not been drawn. */
  estimate: number;
  row: (item: T, index: number) => ComponentChildren;
  role: "list" | "treegrid";
  label: string;
  class?: string;
  /** Scroll this key into view whenever `token` changes. */
  target?: { key: string; token: number } | undefined;
  onEnd?: () => void;
}

const OVERSCAN = 8;
const NEAR_END = 30;

export function Virtual<T>({ items, keyOf, estimate, row, role, label, class: name, target, onEnd }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const heights = useRef(new Map<string, number>()).current;
  const range = useRef({ first: 0, last: 24 });
  const anchor = useRef<{ key: string; offset: number } | null>(null);
  const reached = useRef(-1);
  const [, setVersion] = useState(0);
  const redraw = () => setVersion((version) => version + 1);

  const tops = new Float64Array(items.length + 1);
  const keys = items.map(keyOf);
  keys.forEach((key, index) => (tops[index + 1] = tops[index]! + (heights.get(key) ?? estimate)));
  const layout = useRef({ tops, keys });
  layout.current = { tops, keys };

  const update = () => {
    const element = box.current;
    if (!element) return;
    const { tops, keys } = layout.current;
    const top = element.scrollTop;
    const visible = indexAt(tops, top);
    anchor.current = top > 0 && visible < keys.length ? { key: keys[visible]!, offset: top - tops[visible]! } : null;
    const first = Math.max(0, visible - OVERSCAN);
    const last = Math.min(keys.length, indexAt(tops, top + element.clientHeight) + OVERSCAN);
    if (last > keys.length - NEAR_END) onEnd?.();
    // An exact range would be drawn again at each row that is scrolled past.
    if (first === range.current.first && last === range.current.last) return;
    range.current = { first, last };
    redraw();
  };
  const latest = useRef(update);
  latest.current = update;

  const observer = useRef<ResizeObserver | null>(null);
  observer.current ??= new ResizeObserver((entries) => {
    let changed = false;
    for (const entry of entries) {
      const element = entry.target as HTMLElement;
      const key = element.dataset.key;
      if (key === undefined) {
        changed = true;
      } else if (element.isConnected && heights.get(key) !== element.offsetHeight) {
        heights.set(key, element.offsetHeight);
        changed = true;
      }
    }
    if (changed) redraw();
  });

  useLayoutEffect(() => {
    observer.current!.observe(box.current!);
    return () => observer.current!.disconnect();
  }, []);

  // Rows that arrive above the view do not move what is in it.
  useLayoutEffect(() => {
    const element = box.current!;
    const held = anchor.current;
    const index = held ? keys.indexOf(held.key) : -1;
    if (held && index >= 0 && Math.abs(tops[index]! + held.offset - element.scrollTop) > 0.5) element.scrollTop = tops[index]! + held.offset;
    latest.current();
  }, [items]);
  useLayoutEffect(() => latest.current());

  // A target that is not there yet may arrive with the next items.
  useLayoutEffect(() => {
    const index = target && reached.current !== target.token ? keys.indexOf(target.key) : -1;
    const element = box.current!;
    if (index < 0) return;
    reached.current = target!.token;
    const [top, bottom] = [tops[index]!, tops[index]! + estimate];
    if (top >= element.scrollTop && bottom <= element.scrollTop + element.clientHeight) return;
    element.scrollTop = Math.max(0, top - element.clientHeight / 3);
    latest.current();
  }, [target?.token, items]);

  const { first } = range.current;
  const last = Math.min(range.current.last, items.length);
  return (
    <div ref={box} class={`virtual ${name ?? ""}`} onScroll={update}>
      <div role={role} aria-label={label} style={{ paddingTop: `${tops[Math.min(first, items.length)]}px`, paddingBottom: `${Math.max(0, tops[items.length]! - tops[last]!)}px` }}>
        {items.slice(first, last).map((item, offset) => (
          <Measured key={keys[first + offset]} name={keys[first + offset]!} observer={observer.current!}>
            {row(item, first + offset)}
          </Measured>
        ))}
      </div>
    </div>
  );
}

function Measured({ name, observer, children }: { name: string; observer: ResizeObserver; children: ComponentChildren }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const own = element.current!;
    observer.observe(own);
    return () => observer.unobserve(own);
  }, [observer]);
  return (
    <div ref={element} data-key={name} role="presentation">
      {children}
    </div>
  );
}

/** The index of the row at a height, by bisection. */
function indexAt(tops: Float64Array, height: number): number {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle]! <= height) low = middle;
    else high = middle - 1;
  }
  return low;
}
