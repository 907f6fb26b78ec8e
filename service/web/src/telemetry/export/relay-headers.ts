import { USER_HEADER } from "../../contract";
import { currentUser } from "../../identity";

/** Return the headers of a request to the relay. It sets the user on the spans, where the service trusts the header. */
export function relayHeaders(): Record<string, string> {
  const user = currentUser();
  return { "Content-Type": "application/json", ...(user ? { [USER_HEADER]: user } : {}) };
}
