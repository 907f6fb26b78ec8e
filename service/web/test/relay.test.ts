import { afterEach, expect, it, vi } from "vitest";
import { workerSend } from "../src/relay";
import type { Posted } from "../src/relay.worker";

const body = new Uint8Array([123, 125]);

class FakeWorker extends EventTarget {
  static last: FakeWorker;
  static made = 0;
  readonly posted: Posted[] = [];

  constructor() {
    super();
    FakeWorker.last = this;
    FakeWorker.made++;
  }

  postMessage(message: Posted): void {
    this.posted.push(message);
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
  FakeWorker.made = 0;
});

it("has one worker make the requests, and takes each answer for its own", async () => {
  vi.stubGlobal("Worker", FakeWorker);
  const send = workerSend("/v1/traces");
  const outcomes = [send(body), send(body)];
  for (const [ok, { id }] of [true, false].map((ok, at) => [ok, FakeWorker.last.posted[at]!] as const)) {
    FakeWorker.last.dispatchEvent(new MessageEvent("message", { data: { id, ok } }));
  }
  expect(await Promise.all(outcomes)).toEqual([true, false]);
  expect(FakeWorker.last.posted[0]).toMatchObject({ url: "/v1/traces", body });
  expect(FakeWorker.made).toBe(1);
});

it("lets nothing wait for a worker that cannot run", async () => {
  vi.stubGlobal("Worker", FakeWorker);
  const send = workerSend("/v1/traces");
  const waiting = send(body);
  FakeWorker.last.dispatchEvent(new Event("error"));
  expect(await waiting).toBe(false);
  expect(await send(body)).toBe(false);
});

it("goes on where the browser allows no worker", async () => {
  vi.stubGlobal("Worker", class { constructor() { throw new DOMException("blocked", "SecurityError"); } });
  expect(await workerSend("/v1/traces")(body)).toBe(false);
});
