import { showCalls } from "./views/calls-panel";
import { byId } from "./views/dom";
import { startFault } from "./views/fault-panel";
import { interact } from "./telemetry/interactions";
import { goTo, search, show } from "./views/router";
import { startSwitch } from "./views/user-switch";
import { startTelemetry } from "./telemetry/setup";

startTelemetry();
showCalls();
startSwitch(show);
startFault();
followLinks();
watchSearch();
watchHistory();
void interact("load page", undefined, show);

/** Links within the page are interactions; all others, and those opened elsewhere, are the browser's. */
function followLinks(): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('a[href^="#"]') : null;
    const hash = link?.getAttribute("href");
    if (!link || !hash) return;
    event.preventDefault();
    const main = byId("main");
    if (hash.startsWith("#/")) {
      goTo(hash, link.dataset.interaction ?? "click link", event);
      scrollTo(0, 0);
    }
    // As after a page load, reading goes on at the start; a link of the navigation keeps the focus.
    if (hash === "#/search") byId("term").focus();
    else if (!link.closest("header")) main.focus();
  });
}

function watchSearch(): void {
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    search(byId<HTMLInputElement>("term").value, event);
  });
}

function watchHistory(): void {
  addEventListener("popstate", (event) => void interact("navigate history", event, show));
}
