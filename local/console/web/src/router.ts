// The address bar is the state: the page, the selected trace and the filter can be reloaded, shared and gone back to.
import { computed, signal } from "@preact/signals";

export type Page = "traces" | "stack" | "sinks";

const target = signal(location.pathname + location.search);
addEventListener("popstate", () => (target.value = location.pathname + location.search));

const url = computed(() => new URL(target.value, location.origin));

export const page = computed<Page>(() => {
  const first = url.value.pathname.split("/")[1];
  return first === "stack" || first === "sinks" ? first : "traces";
});

/** The id of the trace in the address, "" where it names none. */
export const traceId = computed(() => /^\/traces\/([^/]+)/.exec(url.value.pathname)?.[1] ?? "");

/** The value of a query parameter, "" where the address has none. */
export const query = (name: string): string => url.value.searchParams.get(name) ?? "";

export const filter = computed(() => query("filter"));

/** The address of a trace, or of the list, with the filter. */
export function traceUrl(id: string, terms: string = filter.value): string {
  const path = id ? `/traces/${id}` : "/traces";
  return terms ? `${path}?filter=${encodeURIComponent(terms)}` : path;
}

export function navigate(to: string, { replace = false } = {}): void {
  if (to === target.value) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  target.value = to;
}

/** Follow a click on a link of this page without a reload; the browser handles those with a modifier key. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element).closest("a");
  if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (!/^\/(traces|stack|sinks)?(\/[^/]*)?$/.test(link.pathname)) return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}
