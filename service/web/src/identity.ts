import { randomHex } from "./telemetry/ids";

const USER = "cruddur.user";
const SESSION = "cruddur.session";

let user = remembered(() => localStorage, USER);
let session = remembered(() => sessionStorage, SESSION);

/** Return the handle that the user switch names, or nothing when signed out. */
export function currentUser(): string {
  return user;
}

/** Become `handle` from the next call on; an empty one signs out. */
export function becomeUser(handle: string): void {
  user = handle;
  remember(() => localStorage, USER, handle);
}

/** Return the id of this tab's session: it outlives a reload, and ends with the tab. */
export function sessionId(): string {
  if (!session) {
    session = randomHex(16);
    remember(() => sessionStorage, SESSION, session);
  }
  return session;
}

// A browser that blocks storage throws where the property is read. Identity lasts as long as the page there.
function remembered(storage: () => Storage, key: string): string {
  try {
    return storage().getItem(key) ?? "";
  } catch {
    return "";
  }
}

function remember(storage: () => Storage, key: string, value: string): void {
  try {
    storage().setItem(key, value);
  } catch {
    // See above.
  }
}
