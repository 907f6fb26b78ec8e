import { byId, element } from "./dom";
import { becomeUser, currentUser } from "../identity";
import { interact } from "../telemetry/interactions";
import type { Context } from "@opentelemetry/api";

const HANDLES = ["andrewbrown", "worf", "garek"];

/** Fill the user switch, and call `changed` within the interaction of each change. */
export function startSwitch(changed: (within: Context) => Promise<void>): void {
  const select = byId<HTMLSelectElement>("user");
  const user = currentUser();
  const handles = user && !HANDLES.includes(user) ? [...HANDLES, user] : HANDLES;
  select.append(
    element("option", { value: "" }, "Signed out"),
    ...handles.map((handle) => element("option", { value: handle }, handle)),
  );
  select.value = user;
  select.addEventListener("change", (event) => {
    // Before the interaction's span starts, so that it is the new user's.
    becomeUser(select.value);
    void interact("change user", event, changed);
  });
}
