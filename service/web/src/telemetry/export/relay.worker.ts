// The relay is reached from a worker because a browser writes each failed request of the page itself to the console,
// whatever the page does with the failure; it writes none of a worker's.

import { KeepaliveRoom } from "./keepalive";
import { type Outcome, type Posted, READY } from "./relay-messages";

const TIMEOUT_MS = 10_000;
const room = new KeepaliveRoom();

async function isTaken({ url, body }: Posted): Promise<boolean> {
  // A page that goes takes its worker along, and with it the requests that are not kept alive.
  const giveBack = room.take(body);
  try {
    const headers = { "Content-Type": "application/json" };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return (await fetch(url, { method: "POST", headers, body, signal, keepalive: giveBack !== undefined })).ok;
  } catch {
    // Nobody is told: telemetry that does not arrive is no failure of the page.
    return false;
  } finally {
    giveBack?.();
  }
}

addEventListener("message", async ({ data }: MessageEvent<Posted>) => {
  postMessage({ id: data.id, ok: await isTaken(data) } satisfies Outcome);
});
postMessage(READY);
