import type { Body, Send } from "./worker-sender";

/** How much all requests that outlive a page, or a worker, may hold together, 64 KiB by "Fetch"; some is left to others. */
export const KEEPALIVE_BYTES = 60 * 1024;

/** The room that is left for requests that outlive a page or a worker: the browser refuses what is over its limit. */
export class KeepaliveRoom {
  private taken = 0;

  /** Take room for `body` and return what gives it back; undefined where there is too little. */
  take(body: Body): (() => void) | undefined {
    const size = body.byteLength;
    if (this.taken + size > KEEPALIVE_BYTES) return undefined;
    this.taken += size;
    return () => void (this.taken -= size);
  }
}

/** Return a sender whose requests outlive the page; `fetch` is the browser's own, which makes no span. */
export function keepaliveSend(url: string, fetch: typeof globalThis.fetch): Send {
  return async (body) => {
    try {
      const headers = { "Content-Type": "application/json" };
      return (await fetch(url, { method: "POST", headers, body, keepalive: true })).ok;
    } catch {
      return false;
    }
  };
}
