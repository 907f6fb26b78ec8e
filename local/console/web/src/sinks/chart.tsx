// A small chart of one figure over time, drawn by hand. The table beside it has the same figures.
import { useState } from "preact/hooks";
import { time } from "../text";

interface ChartProps {
  label: string;
  times: number[];
  values: (number | null)[];
  kind: "delivered" | "dropped" | "queued";
  unit: string;
}

const WIDTH = 300;
const HEIGHT = 56;
const TOP = 6;

export function Chart({ label, times, values, kind, unit }: ChartProps) {
  const [at, setAt] = useState<number | null>(null);
  const most = Math.max(...values.map((each) => each ?? 0));
  const x = (index: number) => (index / Math.max(1, values.length - 1)) * WIDTH;
  const y = (value: number) => HEIGHT - 1 - (value / (most || 1)) * (HEIGHT - 1 - TOP);
  const current = at ?? values.findLastIndex((each) => each !== null);
  const shown = values[current] ?? null;
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const index = Math.round(((event.clientX - box.left) / box.width) * (values.length - 1));
    setAt(Math.min(values.length - 1, Math.max(0, index)));
  };
  return (
    <figure class={`chart ${kind}`}>
      <figcaption>
        {label}
        <b>{shown === null ? "not read" : `${figure(shown)}${unit}`}</b>
        {at !== null && <span class="note">{clock(times[at] ?? 0)}</span>}
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label} over ten minutes: ${shown === null ? "not read now" : `${figure(shown)}${unit} now`}, ${figure(most)}${unit} at most`}
        onPointerMove={point}
        onPointerLeave={() => setAt(null)}
      >
        {gaps(values).map(([from, to]) => (
          <rect key={from} class="gap" x={x(from)} y={0} width={Math.max(1, x(to) - x(from))} height={HEIGHT} />
        ))}
        {runs(values).map((run) => {
          const line = run.map(([index, value]) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
          const [first, last] = [run[0]![0], run.at(-1)![0]];
          return (
            <g key={first}>
              <polygon class="area" points={`${x(first)},${HEIGHT} ${line} ${x(last)},${HEIGHT}`} />
              <polyline class="line" points={run.length === 1 ? `${line} ${x(first) + 1},${y(run[0]![1])}` : line} />
            </g>
          );
        })}
        <line class="axis" x1={0} y1={HEIGHT - 0.5} x2={WIDTH} y2={HEIGHT - 0.5} />
        {at !== null && <line class="cross" x1={x(at)} y1={0} x2={x(at)} y2={HEIGHT} />}
      </svg>
      <p class="scale" aria-hidden="true">
        <span>10 min ago</span>
        <span>at most {figure(most)}{unit}</span>
        <span>now</span>
      </p>
    </figure>
  );
}

/** The stretches of values, as pairs of index and value. */
function runs(values: (number | null)[]): [number, number][][] {
  const all: [number, number][][] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index > 0 && values[index - 1] !== null && all.length > 0) all.at(-1)!.push([index, value]);
    else all.push([[index, value]]);
  });
  return all;
}

/** The stretches without a value. */
function gaps(values: (number | null)[]): [number, number][] {
  const all: [number, number][] = [];
  values.forEach((value, index) => {
    if (value !== null) return;
    if (index > 0 && values[index - 1] === null) all.at(-1)![1] = index;
    else all.push([index, index]);
  });
  return all;
}

export const figure = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toFixed(value < 1 ? 2 : 1))));

export const clock = (seconds: number): string => time(seconds * 1000);
