// The relay is reached from a worker because a browser writes each failed request of the page itself to the console,
// whatever the page does with the failure; it writes none of a worker's.

/** What the page posts here: a request to make. */
export interface Posted {
  readonly id: number;
  readonly url: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What is answered: whether the relay took it. */
export interface Outcome {
  readonly id: number;
  readonly ok: boolean;
}

const TIMEOUT_MS = 10_000;

addEventListener("message", async ({ data }: MessageEvent<Posted>) => {
  let ok = false;
  try {
    const headers = { "Content-Type": "application/json" };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    ok = (await fetch(data.url, { method: "POST", headers, body: data.body, signal })).ok;
  } catch {
    // Nobody is told: telemetry that does not arrive is no failure of the page.
  }
  postMessage({ id: data.id, ok } satisfies Outcome);
});
