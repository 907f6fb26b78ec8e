import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WorkerSender } from "../../../src/telemetry/export/worker-sender";
import { type Posted, READY } from "../../../src/telemetry/export/relay-messages";

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

  says(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

beforeEach(() => {
  vi.stubGlobal("Worker", FakeWorker);
});

afterEach(() => {
  vi.unstubAllGlobals();
  FakeWorker.made = 0;
});

it("has one worker make the requests, and takes each answer for its own", async () => {
  const sender = new WorkerSender("/v1/traces");
  const outcomes = [sender.send(body), sender.send(body)];
  FakeWorker.last.says(READY);
  for (const [ok, { id }] of [true, false].map((ok, at) => [ok, FakeWorker.last.posted[at]!] as const)) {
    FakeWorker.last.says({ id, ok });
  }
  expect(await Promise.all(outcomes)).toEqual([true, false]);
  expect(FakeWorker.last.posted[0]).toMatchObject({ url: "/v1/traces", body });
  expect(FakeWorker.made).toBe(1);
});

it("posts nothing to a worker that does not run yet, and gives back what waits for it", async () => {
  const sender = new WorkerSender("/v1/traces");
  const sent = sender.send(body);
  expect(FakeWorker.last.posted).toEqual([]);
  const [waiting, ...others] = sender.takeBack();
  expect(waiting!.body).toBe(body);
  expect(others).toEqual([]);
  waiting!.answer(true);
  expect(await sent).toBe(true);
  FakeWorker.last.says(READY);
  expect(FakeWorker.last.posted).toEqual([]);
});

it("gives back nothing that a running worker has", () => {
  const sender = new WorkerSender("/v1/traces");
  void sender.send(body);
  FakeWorker.last.says(READY);
  void sender.send(body);
  expect(FakeWorker.last.posted.length).toBe(2);
  expect(sender.takeBack()).toEqual([]);
});

it.each(["before it runs", "while it runs"])("lets nothing wait for a worker that breaks %s", async (when) => {
  const sender = new WorkerSender("/v1/traces");
  const sent = sender.send(body);
  if (when === "while it runs") FakeWorker.last.says(READY);
  FakeWorker.last.dispatchEvent(new Event("error"));
  expect(await sent).toBe(false);
  expect(await sender.send(body)).toBe(false);
});

it("goes on where the browser allows no worker", async () => {
  vi.stubGlobal("Worker", class { constructor() { throw new DOMException("blocked", "SecurityError"); } });
  expect(await new WorkerSender("/v1/traces").send(body)).toBe(false);
});
