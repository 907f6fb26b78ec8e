import { randomHex } from "./random";

const USER_KEY = "cruddur.user";
const SESSION_KEY = "cruddur.session";

let user = readItem(() => localStorage, USER_KEY);
let session = readItem(() => sessionStorage, SESSION_KEY);

/** Return the handle of the current user, or an empty string when signed out. */
export function currentUser(): string {
  return user;
}

/** Set the user of all later calls to `handle`; an empty string signs out. */
export function setUser(handle: string): void {
  user = handle;
  writeItem(() => localStorage, USER_KEY, handle);
}

/** Return the id of this tab's session, which survives a reload and ends with the tab. */
export function sessionId(): string {
  if (!session) {
    session = randomHex(16);
    writeItem(() => sessionStorage, SESSION_KEY, session);
  }
  return session;
}

// A browser that blocks storage throws as soon as the property is read. The identity then lasts as long as the page.
function readItem(storage: () => Storage, key: string): string {
  try {
    return storage().getItem(key) ?? "";
  } catch {
    return "";
  }
}

function writeItem(storage: () => Storage, key: string, value: string): void {
  try {
    storage().setItem(key, value);
  } catch {
    // As above: storage is blocked.
  }
}
