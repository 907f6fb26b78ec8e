import type { Context } from "@opentelemetry/api";
import { type Answer, get } from "../api/client";
import { byId, element } from "./dom";
import { type Activity, feedList, placeholders } from "./feed";
import { interact } from "../telemetry/interactions";
import { problem } from "./error-notice";
import { type Route, endpointOf, hashOf, pageRoute, routeOf, titleOf } from "../routes";

/** Counts what was asked to be shown: an answer that comes after a newer question is not shown. */
let asked = 0;

/** Return the route that the address names. */
export function currentRoute(): Route {
  return routeOf(location.hash);
}

/** Show the page of the address, its data fetched within `within`. */
export async function show(within: Context): Promise<void> {
  const route = currentRoute();
  const mine = ++asked;
  frame(route);
  if (route.page === "search" && !route.term.trim()) {
    tell("Type what to look for.");
    return;
  }
  busy(`Loading ${titleOf(route)}…`);
  const answer = await get<Activity[]>(endpointOf(route), within);
  if (mine === asked) result(route, answer);
}

/** Set everything that depends on the route and on no data. */
function frame(route: Route): void {
  const title = titleOf(route);
  document.title = `${title} · Cruddur`;
  byId("title").textContent = title;
  byId("search").hidden = route.page !== "search";
  if (route.page === "search") byId<HTMLInputElement>("term").value = route.term;
  for (const link of document.querySelectorAll<HTMLAnchorElement>("nav a")) {
    const here = link.getAttribute("href") === `#${pageRoute(route)}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function busy(text: string): void {
  const feed = byId("feed");
  feed.setAttribute("aria-busy", "true");
  feed.replaceChildren(placeholders());
  byId("status").textContent = text;
}

function tell(text: string, ...shown: readonly Node[]): void {
  const feed = byId("feed");
  feed.removeAttribute("aria-busy");
  feed.replaceChildren(...shown);
  byId("status").textContent = text;
}

function result(route: Route, answer: Answer<Activity[]>): void {
  if (!answer.ok) {
    const notice = problem(answer.sentence, answer.traceId, retryButton());
    notice.setAttribute("role", "alert");
    tell("", notice);
    return;
  }
  const found = answer.data.length;
  if (found === 0) {
    const sentence = route.page === "search" ? "Nothing matches these words." : "Nothing here yet.";
    tell("", element("p", { class: "notice empty", role: "status" }, sentence));
    return;
  }
  tell(`${found} ${found === 1 ? "activity" : "activities"}`, feedList(answer.data));
}

function retryButton(): HTMLElement {
  const button = element("button", { type: "button" }, "Try again");
  button.addEventListener("click", (event) => {
    // The button is about to go: without this the focus would fall back to the top of the document.
    byId("main").focus();
    void interact("click try again", event, show);
  });
  return button;
}

/** Go to `hash` as one interaction. The address changes first, so that the call's span names the page it is for. */
export function goTo(hash: string, name: string, event: Event): void {
  void interact(name, event, async (within) => {
    if (hash !== location.hash) history.pushState(null, "", hash);
    await show(within);
  });
}

/** Search for `term`. */
export function search(term: string, event: Event): void {
  goTo(hashOf({ page: "search", term: term.trim() }), "submit search", event);
}
