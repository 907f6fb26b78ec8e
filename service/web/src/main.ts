import { traceInteraction } from "./telemetry/interactions";
import { startTelemetry } from "./telemetry/setup";
import { initCallsPanel } from "./views/calls-panel";
import { byId } from "./views/dom";
import { initFaultPanel } from "./views/fault-panel";
import { navigate, renderRoute, search } from "./views/router";
import { initUserSwitch } from "./views/user-switch";

startTelemetry();
initCallsPanel();
initUserSwitch(renderRoute);
initFaultPanel();
document.addEventListener("click", onClick);
byId("search").addEventListener("submit", onSearch);
addEventListener("popstate", (event) => void traceInteraction("navigate history", event, renderRoute));
void traceInteraction("load page", undefined, renderRoute);

/** Handle clicks on the page's own links. Other links, and clicks that open a new tab, are left to the browser. */
function onClick(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="#"]') : null;
  const hash = link?.getAttribute("href");
  if (!link || !hash) return;
  event.preventDefault();
  if (hash.startsWith("#/")) {
    navigate(hash, link.dataset.interaction ?? "click link", event);
    scrollTo(0, 0);
  }
  // As after a page load, the focus moves to the content, except from links of the header, which keep it.
  if (hash === "#/search") byId("term").focus();
  else if (!link.closest("header")) byId("main").focus();
}

function onSearch(event: SubmitEvent): void {
  event.preventDefault();
  search(byId<HTMLInputElement>("term").value, event);
}
