import { type ApiResult, get } from "../api/client";
import { traceInteraction } from "../telemetry/interactions";
import { byId } from "./dom";
import { errorNotice } from "./error-notice";

const PATH = "/api/fault";

/** Make the button request the route that always fails, and show the result. */
export function initFaultPanel(): void {
  const button = byId<HTMLButtonElement>("fault");
  button.addEventListener("click", (event) => {
    // Not the attribute `disabled`, which would remove the focus.
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    void traceInteraction("click fail", event, async (context) => {
      const result = await get({ path: PATH, template: PATH }, context);
      byId("fault-outcome").replaceChildren(errorNotice(messageOf(result), result.traceId));
    }).finally(() => button.removeAttribute("aria-disabled"));
  });
}

function messageOf(result: ApiResult<unknown>): string {
  if (result.ok) return "The backend did not fail.";
  // The service has this route only where FAULT_ROUTES is set.
  return result.status === 404 ? "This deployment has no route that fails on purpose." : result.message;
}
