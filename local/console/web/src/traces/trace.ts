// The selected trace. While it may still be arriving it is read again, for some seconds.
import { effect, signal, untracked } from "@preact/signals";
import { ApiError, get } from "../api";
import { page, traceId } from "../router";
import type { Place, Trace } from "./document";
import { choose } from "./links";

const REFRESH_MS = 1000;
const REFRESH_SECONDS = 20;
const ARRIVING = new Set(["queued", "not-yet-arrived"]);
/** A trace this young may get more spans, of a browser above all, after its places have some. */
const YOUNG_SECONDS = 8;

export const trace = signal<Trace | null>(null);
export const problem = signal<ApiError | null>(null);
export const refreshing = signal(false);
export const expanded = signal<Place | null>(null);

export const toggleExpanded = (place: Place) => (expanded.value = expanded.value === place ? null : place);

effect(() => {
  const id = page.value === "traces" ? traceId.value : "";
  const abort = new AbortController();
  untracked(() => {
    problem.value = null;
    if (trace.value?.trace_id !== id) trace.value = null;
    choose("");
    if (id) void follow(id, abort.signal);
  });
  return () => abort.abort();
});

async function follow(id: string, stop: AbortSignal): Promise<void> {
  const end = Date.now() + REFRESH_SECONDS * 1000;
  let previous = "";
  refreshing.value = true;
  for (;;) {
    try {
      const document = await get<Trace>(`/traces/${encodeURIComponent(id)}`, stop);
      const text = JSON.stringify(document);
      // An equal document would draw everything again.
      if (text !== previous) trace.value = document;
      [previous, problem.value] = [text, null];
    } catch (error) {
      if (stop.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      problem.value = error;
    }
    if (stop.aborted) return;
    if (Date.now() > end || !mayChange(trace.value, problem.value)) break;
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    if (stop.aborted) return;
  }
  refreshing.value = false;
}

function mayChange(document: Trace | null, error: ApiError | null): boolean {
  if (error) return error.status === 0;
  const absences = Object.values(document?.places ?? {}).map((each) => each.absence?.reason ?? "");
  // An id begins with its time (X-Ray's format).
  const started = document?.request?.started ?? Number.parseInt(document?.trace_id.slice(0, 8) ?? "", 16);
  return absences.some((each) => ARRIVING.has(each)) || Math.abs(Date.now() / 1000 - started) < YOUNG_SECONDS;
}
