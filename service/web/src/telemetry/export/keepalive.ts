import { MAX_BYTES, type Payload } from "./payloads";
import { relayHeaders } from "./relay-headers";

/** The total size of all keepalive requests in flight. The limit of "Fetch" is 64 KiB; the rest is for other code. */
export const KEEPALIVE_BYTES = MAX_BYTES;

/** Sends one payload to the relay. Resolves to whether the relay accepted it, and never rejects. */
export type Send = (payload: Payload) => Promise<boolean>;

/** Counts the bytes of the keepalive requests in flight, because the browser rejects a request over its limit. */
export class KeepaliveBudget {
  private bytes = 0;

  /** Reserve the size of `payload` and return what releases it, or undefined where the budget is spent. */
  reserve(payload: Payload): (() => void) | undefined {
    const size = payload.byteLength;
    if (this.bytes + size > KEEPALIVE_BYTES) return undefined;
    this.bytes += size;
    return () => void (this.bytes -= size);
  }
}

/** Return a sender whose requests outlive the page. `fetch` is the browser's own, which is not instrumented. */
export function keepaliveSend(url: string, fetch: typeof globalThis.fetch): Send {
  return async (payload) => {
    try {
      return (await fetch(url, { method: "POST", headers: relayHeaders(), body: payload, keepalive: true })).ok;
    } catch {
      return false;
    }
  };
}
