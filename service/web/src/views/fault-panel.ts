import { get } from "../api/client";
import { byId } from "./dom";
import { interact } from "../telemetry/interactions";
import { problem } from "./error-notice";

const PATH = "/api/fault";

/** Have the button ask for the route that fails on purpose, and say what came of it. */
export function startFault(): void {
  const button = byId<HTMLButtonElement>("fault");
  button.addEventListener("click", (event) => {
    // Not `disabled`, which would take the focus away.
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    void interact("click fail", event, async (within) => {
      const answer = await get({ path: PATH, template: PATH }, within);
      const sentence = answer.ok ? "The backend did not fail." : explained(answer.status, answer.sentence);
      byId("fault-outcome").replaceChildren(problem(sentence, answer.traceId));
    }).finally(() => button.removeAttribute("aria-disabled"));
  });
}

function explained(status: number | undefined, sentence: string): string {
  // The service has the route only where its settings allow it.
  return status === 404 ? "This deployment has no route that fails on purpose." : sentence;
}
