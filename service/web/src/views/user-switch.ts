import type { Context } from "@opentelemetry/api";
import { currentUser, setUser } from "../identity";
import { traceInteraction } from "../telemetry/interactions";
import { byId, element } from "./dom";

const HANDLES = ["andrewbrown", "worf", "garek"];

/** Fill the user switch, and call `onChange` in the interaction of each change. */
export function initUserSwitch(onChange: (context: Context) => Promise<void>): void {
  const select = byId<HTMLSelectElement>("user");
  const user = currentUser();
  const handles = user && !HANDLES.includes(user) ? [...HANDLES, user] : HANDLES;
  select.append(
    element("option", { value: "" }, "Signed out"),
    ...handles.map((handle) => element("option", { value: handle }, handle)),
  );
  select.value = user;
  select.addEventListener("change", (event) => {
    // Before the interaction's span starts, so that the span has the new user.
    setUser(select.value);
    void traceInteraction("change user", event, onChange);
  });
}
