// The list of requests, and the selected one beside it.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ApiError, post } from "../api";
import { Icon } from "../icon";
import { focusOnceDrawn, helpOpen, useShortcuts } from "../keyboard";
import { navigate, traceId, traceUrl } from "../router";
import { line } from "../text";
import { Detail } from "./detail";
import { PLACES } from "./document";
import { filterBoxId, List } from "./list";
import { findBoxId, slowestId, stepFound } from "./find";
import { imported, listed, paused } from "./requests";
import { expanded, toggleExpanded, trace } from "./trace";

const MAX_IMPORT_BYTES = 16 * 1024 * 1024;

/** What takes the focus in a pane. */
const ENTRANCES = ".panes [role=row][tabindex='0'], .panes .line-head, .panes .items, .panes .raw";

const notice = signal<{ text: string; failed: boolean } | null>(null);
const dragging = signal(false);

export function TracesPage() {
  const file = useRef<HTMLInputElement>(null);
  useShortcuts([
    { keys: ["j", "ArrowDown"], label: "Next request", run: () => step(1) },
    { keys: ["k", "ArrowUp"], label: "Previous request", run: () => step(-1) },
    { keys: ["/"], label: "Filter", run: () => document.getElementById(filterBoxId)?.focus() },
    { keys: ["Enter"], label: "Go into the panes of the request", run: () => focusPanes() },
    { keys: ["1", "2", "3", "4"].slice(0, PLACES.length), label: "Only one pane, or all again", run: () => undefined },
    { keys: ["f"], label: "Find in the trace", run: () => document.getElementById(findBoxId)?.focus() },
    { keys: ["n"], label: "Next row that is found", run: () => stepFound(1) },
    { keys: ["N"], label: "Previous row that is found", run: () => stepFound(-1) },
    { keys: ["s"], label: "Slowest span", run: () => document.getElementById(slowestId)?.click() },
    { keys: ["p"], label: "Pause or resume the list", run: () => void (paused.value = !paused.value) },
    { keys: ["i"], label: "Import a file", run: () => file.current?.click() },
    { keys: ["Escape"], label: "All four panes, then the list alone", run: leave },
  ]);
  useDropZone();
  useEffect(() => {
    const choosePane = (event: KeyboardEvent) => {
      const place = PLACES[Number(event.key) - 1];
      const typing = (event.target as Element).closest?.("input, dialog");
      if (place && traceId.value && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) toggleExpanded(place);
    };
    addEventListener("keydown", choosePane);
    return () => removeEventListener("keydown", choosePane);
  }, []);
  return (
    <div class={`traces${traceId.value ? " selected" : ""}`}>
      <List onImport={() => file.current?.click()} />
      <div class="beside">
        {traceId.value ? <Detail /> : <Welcome />}
      </div>
      <input ref={file} type="file" accept=".json,application/json" hidden onChange={(event) => void importFiles(event.currentTarget)} aria-label="Import" />
      {dragging.value && <div class="drop-zone">Drop OTLP JSON or X-Ray JSON to look at its traces</div>}
      <Notice />
    </div>
  );
}

function Welcome() {
  return (
    <div class="empty welcome">
      <Icon name="logo" />
      <h1>Select a request to see it in all four places.</h1>
      <p>
        <kbd>j</kbd> <kbd>k</kbd> to go through them, <kbd>/</kbd> to filter,{" "}
        <button type="button" class="plain" onClick={() => (helpOpen.value = true)}>
          all shortcuts
        </button>
      </p>
    </div>
  );
}

function Notice() {
  const shown = notice.value;
  return (
    <div class={`notice${shown ? " on" : ""}${shown?.failed ? " failed" : ""}`} role="status">
      {shown && (
        <>
          {line(shown.text)}
          <button type="button" class="icon-button" aria-label="Close" onClick={() => (notice.value = null)}>
            <Icon name="close" />
          </button>
        </>
      )}
    </div>
  );
}

function step(by: number): void {
  const all = [...imported.value, ...listed.value];
  const index = all.findIndex((each) => each.trace_id === traceId.value);
  const next = all[index < 0 ? 0 : Math.min(all.length - 1, Math.max(0, index + by))];
  if (!next) return;
  navigate(traceUrl(next.trace_id), { replace: index >= 0 });
  focusOnceDrawn(() => document.querySelector<HTMLElement>(`[data-trace="${CSS.escape(next.trace_id)}"]`));
}

/** Go into the panes, once they are there: what had the focus may have just been selected. */
function focusPanes(): void {
  if (!traceId.value) return step(0);
  focusOnceDrawn(() => (trace.value ? document.querySelector<HTMLElement>(ENTRANCES) : null));
}

function leave(): void {
  if (expanded.value) expanded.value = null;
  else navigate(traceUrl(""));
}

async function importFiles(input: HTMLInputElement): Promise<void> {
  await importFile(input.files?.[0]);
  input.value = "";
}

async function importFile(file: File | undefined): Promise<void> {
  if (!file) return;
  if (file.size > MAX_IMPORT_BYTES) {
    notice.value = { text: `${file.name} has ${Math.ceil(file.size / 2 ** 20)} MiB; at most 16 MiB can be imported`, failed: true };
    return;
  }
  try {
    const { trace_ids: ids } = await post<{ trace_ids: string[] }>(`/import?name=${encodeURIComponent(file.name)}`, file);
    notice.value = { text: `${file.name}: ${ids.length === 1 ? "1 trace" : `${ids.length} traces`}, kept until the console stops`, failed: false };
    if (ids[0]) navigate(traceUrl(ids[0]));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notice.value = { text: `${error.message}. ${error.remedy}`, failed: true };
  }
}

/** Accept files that are dropped anywhere on the page. */
function useDropZone(): void {
  useEffect(() => {
    const stop = new AbortController();
    const hasFiles = (event: DragEvent) => Boolean(event.dataTransfer?.types.includes("Files"));
    const on = (name: "dragover" | "dragleave" | "drop", handle: (event: DragEvent) => void) => addEventListener(name, handle, { signal: stop.signal });
    on("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      dragging.value = true;
    });
    on("dragleave", (event) => {
      if (!event.relatedTarget) dragging.value = false;
    });
    on("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      dragging.value = false;
      void importFile(event.dataTransfer?.files[0]);
    });
    return () => stop.abort();
  }, []);
}
