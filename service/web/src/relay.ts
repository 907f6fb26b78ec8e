import type { Outcome, Posted } from "./relay.worker";

/** Sends one body to the relay and says whether it was taken. Never throws, and writes nothing to the console. */
export type Send = (body: Uint8Array<ArrayBuffer>) => Promise<boolean>;

/** Return a sender whose requests a worker makes. */
export function workerSend(url: string): Send {
  const waiting = new Map<number, (ok: boolean) => void>();
  let worker: Worker | undefined;
  let broken = false;
  let next = 0;

  function start(): Worker {
    const started = new Worker(new URL("./relay.worker.ts", import.meta.url), { type: "module" });
    started.addEventListener("message", ({ data }: MessageEvent<Outcome>) => answer(data.id, data.ok));
    // A worker that cannot run answers nothing: what waits for it is lost, and the page goes on.
    started.addEventListener("error", (event) => {
      event.preventDefault();
      broken = true;
      for (const id of [...waiting.keys()]) answer(id, false);
    });
    return started;
  }

  function answer(id: number, ok: boolean): void {
    waiting.get(id)?.(ok);
    waiting.delete(id);
  }

  return (body) =>
    new Promise((resolve) => {
      const id = next++;
      waiting.set(id, resolve);
      if (broken) return answer(id, false);
      try {
        worker ??= start();
        worker.postMessage({ id, url, body } satisfies Posted);
      } catch {
        broken = true;
        answer(id, false);
      }
    });
}

/** How much all requests that outlive a page may hold together, 64 KiB by "Fetch"; some is left to others. */
export const KEEPALIVE_BYTES = 60 * 1024;

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
