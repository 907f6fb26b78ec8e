// A tree on a time axis (ARIA treegrid): up and down, left and right to collapse and expand, Enter for details.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Icon } from "../icon";
import { focusOnceDrawn } from "../keyboard";
import { count, duration, time } from "../text";
import { Virtual } from "../ui/virtual";
import { Find, isFound, sought, stepsThrough } from "./find";
import { choose, chosen, markOf, nextToken, point } from "./links";
import { slowest, ticks, visible, type Axis, type Row } from "./rows";

const ROW_HEIGHT = 26;
const INDENT = 14;
const WIDE_LEVELS = 6;
const NARROW_INDENT = 4;
const MAX_LEVEL = 16;
const MAX_TICKS = 5;
/** Pixels that a label needs. */
const TICK_WIDTH = 64;
const MIN_ROWS_TO_FIND = 3;

interface Props {
  rows: readonly Row[];
  axis: Axis;
  label: string;
  /** Whether the box that searches in the trace is in this one's head. */
  hasFind?: boolean;
}

export function Timeline({ rows, axis, label, hasFind = false }: Props) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState("");
  const [goal, setGoal] = useState({ key: "", token: 0 });
  const tree = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => visible(rows, collapsed), [rows, collapsed]);
  const { key: chosenKey, token } = chosen.value;
  const target = chosenKey ? shown.find((row) => row.link === chosenKey && row.kind === "bar") : undefined;
  const found = useMemo(() => (hasFind && sought.value ? rows.filter(isFound) : []), [rows, sought.value]);
  const tabStop = shown.some((row) => row.key === active) ? active : (target ?? shown[0])?.key;

  // What another pane points to may be inside of what is collapsed.
  useEffect(() => {
    if (chosenKey && !target && rows.some((row) => row.link === chosenKey)) setCollapsed(new Set());
  }, [token]);

  const focus = (index: number) => {
    const row = shown[index];
    if (!row) return;
    setActive(row.key);
    focusOnceDrawn(() => tree.current?.querySelector<HTMLElement>(rowSelector(row.key)));
  };
  const onKey = (event: KeyboardEvent, row: Row, index: number) => {
    if (event.target !== event.currentTarget) return;
    const action = {
      ArrowDown: () => focus(index + 1),
      ArrowUp: () => focus(index - 1),
      Home: () => focus(0),
      ArrowRight: () => (collapsed.has(row.key) ? setCollapsed(toggled(collapsed, row.key)) : row.descendants ? focus(index + 1) : undefined),
      ArrowLeft: () =>
        row.descendants && !collapsed.has(row.key) ? setCollapsed(toggled(collapsed, row.key)) : focus(shown.findIndex((each) => each.key === row.parent)),
      Enter: () => toggle(row),
      " ": () => toggle(row),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };
  const goTo = (row: Row | undefined) => {
    if (!row) return;
    if (!shown.includes(row)) setCollapsed(new Set());
    if (row.link) choose(row.link);
    setGoal({ key: row.key, token: nextToken() });
    setActive(row.key);
  };
  const enter = (row: Row | undefined) => {
    goTo(row);
    if (row) focusOnceDrawn(() => tree.current?.querySelector<HTMLElement>(rowSelector(row.key)));
  };
  const position = found.findIndex((row) => row.key === active);
  const foundAfter = (by: number) => found[(position < 0 && by < 0 ? 0 : position) + by] ?? found.at(by > 0 ? 0 : -1);
  if (hasFind) stepsThrough((by) => enter(foundAfter(by)));
  const toggle = (row: Row) => {
    setActive(row.key);
    setOpen(toggled(open, row.key));
    if (row.link) choose(row.link);
  };

  return (
    <div class="timeline" ref={tree}>
      <div class="timeline-head">
        {hasFind && rows.length >= MIN_ROWS_TO_FIND && <Find position={position + 1} found={found.length} onStep={(by) => goTo(foundAfter(by))} onSlowest={() => enter(slowest(rows))} />}
        <Scale axis={axis} />
      </div>
      <Virtual
        items={shown}
        keyOf={(row) => row.key}
        estimate={ROW_HEIGHT}
        role="treegrid"
        label={label}
        target={goal.token > token ? goal : target && { key: target.key, token }}
        row={(row, index) => (
          <div role="presentation" class={`row${row.failed ? " failed" : row.warned ? " warned" : ""}${isFound(row) ? "" : " dimmed"}${row.key === goal.key ? " current" : ""}${markOf(row.link)}`} onMouseEnter={() => point(row.link)} onMouseLeave={() => point("")}>
            <div
              role="row"
              class="row-line"
              data-row={row.key}
              aria-level={row.level + 1}
              aria-expanded={row.descendants ? !collapsed.has(row.key) : undefined}
              tabIndex={row.key === tabStop ? 0 : -1}
              onClick={() => toggle(row)}
              onKeyDown={(event) => onKey(event, row, index)}
              onFocus={() => point(row.link)}
            >
              <Name row={row} collapsed={collapsed.has(row.key)} onCollapse={() => setCollapsed(toggled(collapsed, row.key))} />
              <Track row={row} axis={axis} />
            </div>
            {open.has(row.key) && (
              <div role="row" aria-level={row.level + 2}>
                <div role="gridcell" class="detail">
                  {row.detail()}
                </div>
              </div>
            )}
          </div>
        )}
      />
    </div>
  );
}

function Name({ row, collapsed, onCollapse }: { row: Row; collapsed: boolean; onCollapse: () => void }) {
  const collapse = (event: Event) => {
    event.stopPropagation();
    onCollapse();
  };
  return (
    <div role="gridcell" class={`row-name${row.kind === "point" ? " point" : ""}`} style={{ paddingLeft: `${indent(row.level)}px` }}>
      {row.descendants > 0 ? (
        <span class={`twist${collapsed ? "" : " down"}`} onClick={collapse} title={collapsed ? `Show ${count(row.descendants, "row")}` : "Hide what is below"}>
          <Icon name="chevron" />
        </span>
      ) : (
        <span class="twist" />
      )}
      <span class="swatch" style={{ background: row.colour }} />
      {(row.failed || row.warned) && <Icon name="error" />}
      <span class="row-text" title={row.name}>
        {row.name}
      </span>
      <span class="visually-hidden">{[row.note, row.failed ? "failed" : row.warned ? "warning" : ""].filter(Boolean).join(", ")}</span>
      {collapsed && <span class="badge">+{row.descendants}</span>}
      {row.badges.map((each) => (
        <span class="badge" key={each}>
          {each}
        </span>
      ))}
    </div>
  );
}

function Track({ row, axis }: { row: Row; axis: Axis }) {
  const position = (moment: number) => `${Math.min(100, Math.max(0, ((moment - axis.start) / (axis.end - axis.start)) * 100)).toFixed(3)}%`;
  const left = position(row.start);
  if (row.kind === "point") {
    return (
      <div role="gridcell" class="track">
        <span class="moment" style={{ left, background: row.colour }} />
        <span class="visually-hidden">{time(row.start, { precise: true })}</span>
      </div>
    );
  }
  const late = (row.start - axis.start) / (axis.end - axis.start) > 0.7;
  return (
    <div role="gridcell" class="track">
      <span class="bar-of" style={{ left, right: `calc(100% - ${position(row.end)})`, background: row.failed ? "var(--span-error)" : row.warned ? "var(--span-warn)" : row.colour }} />
      {row.marks.map((moment, index) => (
        <span class="mark" key={index} style={{ left: position(moment) }} />
      ))}
      <span class="took" style={late ? { right: `calc(100% - ${left} + 6px)` } : { left: `calc(${position(row.end)} + 6px)` }}>
        {duration(row.end - row.start)}
        <span class="visually-hidden"> after {duration(row.start - axis.start)}</span>
      </span>
    </div>
  );
}

function Scale({ axis }: { axis: Axis }) {
  const own = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => setWidth(own.current?.clientWidth ?? 0));
    observer.observe(own.current!);
    return () => observer.disconnect();
  }, []);
  return (
    <div class="scale" aria-hidden="true" ref={own}>
      <span class="tick" style={{ left: 0 }}>
        0
      </span>
      {ticks(axis, Math.min(MAX_TICKS, Math.floor(width / TICK_WIDTH))).map((each) => (
        <span class="tick" key={each} style={{ left: `${(each / (axis.end - axis.start)) * 100}%` }}>
          {duration(each).replace(/(\.\d*?)0+ /, "$1 ").replace(". ", " ")}
        </span>
      ))}
    </div>
  );
}

const rowSelector = (key: string): string => `[data-row="${CSS.escape(key)}"]`;

/** Deep levels are indented less, so that their names have room. */
function indent(level: number): number {
  return 6 + Math.min(level, WIDE_LEVELS) * INDENT + Math.min(Math.max(level - WIDE_LEVELS, 0), MAX_LEVEL - WIDE_LEVELS) * NARROW_INDENT;
}

function toggled(set: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(key)) next.add(key);
  return next;
}
