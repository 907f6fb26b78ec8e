// Search within a trace: the box in the head of a waterfall, and the way through the rows that match.
import { signal } from "@preact/signals";
import type { Row } from "./rows";

export const findBoxId = "find";
export const slowestId = "slowest";

/** What is looked for, in lower case; "" for nothing. */
export const sought = signal("");

let stepper: (by: number) => void = () => undefined;
/** The waterfall with the box steps through its rows. */
export const stepsThrough = (own: (by: number) => void): void => void (stepper = own);
export const stepFound = (by: number): void => stepper(by);

const texts = new WeakMap<Row, string>();

export function isFound(row: Row): boolean {
  if (!sought.value) return true;
  let text = texts.get(row);
  if (text === undefined) texts.set(row, (text = [row.name, row.note, ...row.badges, JSON.stringify(row.source)].join("\n").toLowerCase()));
  return text.includes(sought.value);
}

export function Find({ position, found, onStep, onSlowest }: { position: number; found: number; onStep: (by: number) => void; onSlowest: () => void }) {
  const onKey = (event: preact.TargetedKeyboardEvent<HTMLInputElement>) => {
    if (event.isComposing) return;
    if (event.key === "Enter") onStep(event.shiftKey ? -1 : 1);
    if (event.key !== "Escape") return;
    event.preventDefault();
    sought.value = "";
    event.currentTarget.blur();
  };
  return (
    <div class="find">
      <input
        id={findBoxId}
        type="search"
        value={sought.value}
        placeholder="Find (f)"
        aria-label="Find in the trace"
        title="Enter or n: next, N: previous"
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => (sought.value = event.currentTarget.value.trim().toLowerCase())}
        onKeyDown={onKey}
      />
      <span class="found" role="status">
        {sought.value && (found ? `${position ? `${position.toLocaleString("en")} of ` : ""}${found.toLocaleString("en")}` : "none")}
      </span>
      <button type="button" class="plain" id={slowestId} title="The span with the most time of its own (s)" onClick={onSlowest}>
        slowest
      </button>
    </div>
  );
}
