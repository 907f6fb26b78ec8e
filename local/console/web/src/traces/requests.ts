// The requests that match the filter, in its order. They update by themselves, unless paused.
import { computed, effect, signal, untracked } from "@preact/signals";
import { ApiError, get, remove } from "../api";
import { filter, page } from "../router";
import type { Request } from "./document";
import { hasTerm } from "./filter";

const POLL_MS = 1500;
export const SLOWEST = "sort:duration";
export const EVERYTHING = "show:all";

interface Unknown {
  term: string;
  key: string;
  nearest: string | null;
}

interface Listing {
  requests: Request[];
  more: boolean;
  total: number;
  /** Health checks and static files that match, but that the filter does not name. */
  left_out: number;
  /** Terms of the filter whose attribute no request has. */
  unknown: Unknown[];
  imported: Request[];
  /** Of the places that cannot be read. */
  errors: { error: string; remedy: string }[];
}

export const requests = signal<readonly Request[]>([]);
export const imported = signal<readonly Request[]>([]);
export const total = signal(0);
export const leftOut = signal(0);
export const unknown = signal<readonly Unknown[]>([]);
export const more = signal(false);
export const loaded = signal(false);
export const paused = signal(false);
export const problem = signal<ApiError | null>(null);
/** The filter of the requests that are shown. */
export const shownTerms = signal<string | null>(null);

/** The requests without those that are among the imported ones. */
export const listed = computed(() => {
  const ids = new Set(imported.value.map((each) => each.trace_id));
  return ids.size ? requests.value.filter((each) => !ids.has(each.trace_id)) : requests.value;
});

/** The server names the first of these in the page's header, so that the browser reads it beside the scripts. */
function pathOf(terms: string, before?: string): string {
  const query = [terms && `filter=${encodeURIComponent(terms)}`, before && `before=${before}`].filter(Boolean).join("&");
  return query ? `/traces?${query}` : "/traces";
}

effect(() => {
  const terms = filter.value;
  if (page.value !== "traces" || paused.value) return undefined;
  const abort = new AbortController();
  untracked(() => void poll(terms, abort.signal));
  return () => abort.abort();
});

async function poll(terms: string, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    if (!document.hidden || !loaded.value) await read(terms, stop);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function read(terms: string, stop: AbortSignal): Promise<void> {
  try {
    const listing = await get<Listing>(pathOf(terms), stop);
    if (stop.aborted) return;
    if (!equal(imported.value, listing.imported)) imported.value = listing.imported;
    const fresh = shownTerms.value !== terms;
    requests.value = fresh ? listing.requests : merged(requests.value, listing);
    if (fresh || requests.value.length === listing.requests.length) more.value = listing.more;
    [total.value, leftOut.value, unknown.value, shownTerms.value] = [listing.total, listing.left_out, listing.unknown, terms];
    const unreadable = listing.errors[0];
    problem.value = unreadable ? new ApiError(unreadable.error, unreadable.remedy, 200) : null;
    loaded.value = true;
  } catch (error) {
    if (stop.aborted) return;
    if (!(error instanceof ApiError)) throw error;
    [problem.value, loaded.value] = [error, true];
  }
}

const rank = (request: Request) => (hasTerm(SLOWEST) ? (request.duration_ms ?? -1) : request.started);

/** Return what is new in front of what is there, each once; the same array where nothing has changed. */
function merged(old: readonly Request[], { requests: first, more: others }: Listing): readonly Request[] {
  const ids = new Set(first.map((each) => each.trace_id));
  const last = first.at(-1);
  const rest = old.filter((each) => !ids.has(each.trace_id) && last && rank(each) <= rank(last));
  const all = [...first, ...(others ? rest : [])];
  return equal(all, old) ? old : all;
}

const equal = (one: readonly Request[], other: readonly Request[]) => one.length === other.length && JSON.stringify(one) === JSON.stringify(other);

let loading = false;

/** Read more requests, at the end of the list. */
export async function loadMore(): Promise<void> {
  const last = requests.value.at(-1);
  if (loading || !more.value || !last) return;
  loading = true;
  try {
    const terms = filter.value;
    const listing = await get<Listing>(pathOf(terms, last.trace_id));
    if (filter.value !== terms) return;
    const ids = new Set(requests.value.map((each) => each.trace_id));
    requests.value = [...requests.value, ...listing.requests.filter((each) => !ids.has(each.trace_id))];
    more.value = listing.more;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    problem.value = error;
  } finally {
    loading = false;
  }
}

/** Forget the imported traces. */
export async function removeImported(): Promise<void> {
  try {
    await remove("/import");
    imported.value = [];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    problem.value = error;
  }
}
