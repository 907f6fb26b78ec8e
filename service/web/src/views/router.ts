import type { Context } from "@opentelemetry/api";
import { type ApiResult, get } from "../api/client";
import { type Route, endpointOf, hashOf, parseRoute, routeTemplate, titleOf } from "../routes";
import { traceInteraction } from "../telemetry/interactions";
import { byId, element } from "./dom";
import { errorNotice } from "./error-notice";
import { type Activity, feed, feedPlaceholders } from "./feed";

/** The number of the latest render. The response of an earlier one is ignored. */
let latestRender = 0;

/** Render the page of the current address; its data is fetched in `context`. */
export async function renderRoute(context: Context): Promise<void> {
  const route = parseRoute(location.hash);
  const render = ++latestRender;
  renderFrame(route);
  if (route.page === "search" && !route.term.trim()) {
    renderContent("Enter a search term.");
    return;
  }
  renderLoading(`Loading ${titleOf(route)}…`);
  const result = await get<Activity[]>(endpointOf(route), context);
  if (render === latestRender) renderResult(route, result);
}

/** Change the address to `hash` and render it in a new interaction, whose span has the new page's attributes. */
export function navigate(hash: string, interaction: string, event: Event): void {
  void traceInteraction(interaction, event, async (context) => {
    if (hash !== location.hash) history.pushState(null, "", hash);
    await renderRoute(context);
  });
}

/** Search for `term`. */
export function search(term: string, event: Event): void {
  navigate(hashOf({ page: "search", term: term.trim() }), "submit search", event);
}

/** Render what depends only on the route. */
function renderFrame(route: Route): void {
  const title = titleOf(route);
  document.title = `${title} · Cruddur`;
  byId("title").textContent = title;
  byId("search").hidden = route.page !== "search";
  if (route.page === "search") byId<HTMLInputElement>("term").value = route.term;
  for (const link of document.querySelectorAll<HTMLAnchorElement>("nav a")) {
    if (link.getAttribute("href") === `#${routeTemplate(route)}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function renderLoading(status: string): void {
  renderContent(status, feedPlaceholders());
  byId("feed").setAttribute("aria-busy", "true");
}

function renderContent(status: string, ...content: readonly Node[]): void {
  const container = byId("feed");
  container.removeAttribute("aria-busy");
  container.replaceChildren(...content);
  byId("status").textContent = status;
}

function renderResult(route: Route, result: ApiResult<Activity[]>): void {
  if (!result.ok) {
    const notice = errorNotice(result.message, result.traceId, retryButton());
    notice.setAttribute("role", "alert");
    renderContent("", notice);
    return;
  }
  const count = result.data.length;
  if (count === 0) {
    const message = route.page === "search" ? "No activity matches this search." : "No activities yet.";
    renderContent("", element("p", { class: "notice empty", role: "status" }, message));
    return;
  }
  renderContent(`${count} ${count === 1 ? "activity" : "activities"}`, feed(result.data));
}

function retryButton(): HTMLElement {
  const button = element("button", { type: "button" }, "Try again");
  button.addEventListener("click", (event) => {
    // The button is about to be removed, which would move the focus to the top of the document.
    byId("main").focus();
    void traceInteraction("click try again", event, renderRoute);
  });
  return button;
}
