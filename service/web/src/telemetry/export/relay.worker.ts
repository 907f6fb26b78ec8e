// Requests to the relay are made in a worker because the browser logs each failed request of the page itself to the
// console, even where the page handles the error. It logs none of a worker's.

import { KeepaliveBudget } from "./keepalive";
import { type ExportRequest, type ExportResponse, READY } from "./relay-messages";

const TIMEOUT_MS = 10_000;
const budget = new KeepaliveBudget();

async function post({ url, headers, payload }: ExportRequest): Promise<boolean> {
  // A worker ends with its page, and so do its requests unless they are kept alive.
  const release = budget.reserve(payload);
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return (await fetch(url, { method: "POST", headers, body: payload, signal, keepalive: release !== undefined })).ok;
  } catch {
    // Not reported: a failed export is not an error of the page.
    return false;
  } finally {
    release?.();
  }
}

addEventListener("message", async ({ data }: MessageEvent<ExportRequest>) => {
  postMessage({ id: data.id, ok: await post(data) } satisfies ExportResponse);
});
postMessage(READY);
