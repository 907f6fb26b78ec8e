// The server's JSON. A refusal is an `ApiError` with the remedy that the server names.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export class ApiError extends Error {
  constructor(
    message: string,
    readonly remedy: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const UNREACHABLE = "The console's server does not respond";
const UNREADABLE = "The console's server answered with something other than JSON";

async function call<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api${path}`, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(UNREACHABLE, "Run make up, which starts it again", 0);
  }
  let body;
  try {
    body = await response.json();
  } catch (error) {
    // A body that was cut off, by an abort above all, is never a document.
    if (init.signal?.aborted) throw error;
    if (response.ok) throw new ApiError(UNREADABLE, "Run make up, which starts it again", response.status);
    body = {};
  }
  // What comes late is no answer to what is shown by then.
  init.signal?.throwIfAborted();
  if (response.ok) return body as T;
  throw new ApiError(body?.error ?? `The server answered ${response.status}`, body?.remedy ?? "See make logs", response.status);
}

/** GET of `/api<path>`. */
export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>(path, signal ? { signal } : {});

/** POST of a body to `/api<path>`: only what the page's documented buttons do. */
export const post = <T>(path: string, body: BodyInit): Promise<T> => call<T>(path, { method: "POST", body });

/** DELETE of `/api<path>`. */
export const remove = (path: string): Promise<unknown> => call(path, { method: "DELETE" });
