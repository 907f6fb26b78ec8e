import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WorkerSender } from "../../../src/telemetry/export/worker-sender";
import { type ExportRequest, READY } from "../../../src/telemetry/export/relay-messages";

const payload = new Uint8Array([123, 125]);

class FakeWorker extends EventTarget {
  static last: FakeWorker;
  static instances = 0;
  readonly requests: ExportRequest[] = [];

  constructor() {
    super();
    FakeWorker.last = this;
    FakeWorker.instances++;
  }

  postMessage(message: ExportRequest): void {
    this.requests.push(message);
  }

  emit(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

beforeEach(() => {
  vi.stubGlobal("Worker", FakeWorker);
});

afterEach(() => {
  vi.unstubAllGlobals();
  FakeWorker.instances = 0;
});

it("sends by one worker, and resolves each request by its id", async () => {
  const sender = new WorkerSender("/v1/traces");
  const results = [sender.send(payload), sender.send(payload)];
  FakeWorker.last.emit(READY);
  const [first, second] = FakeWorker.last.requests;
  FakeWorker.last.emit({ id: second!.id, ok: false });
  FakeWorker.last.emit({ id: first!.id, ok: true });
  expect(await Promise.all(results)).toEqual([true, false]);
  expect(FakeWorker.last.requests[0]).toMatchObject({ url: "/v1/traces", payload });
  expect(FakeWorker.instances).toBe(1);
});

it("queues payloads until the worker is ready, and drains the queue on request", async () => {
  const sender = new WorkerSender("/v1/traces");
  const result = sender.send(payload);
  expect(FakeWorker.last.requests).toEqual([]);
  const [item, ...others] = sender.drain();
  expect(item!.payload).toBe(payload);
  expect(others).toEqual([]);
  item!.resolve(true);
  expect(await result).toBe(true);
  FakeWorker.last.emit(READY);
  expect(FakeWorker.last.requests).toEqual([]);
});

it("drains nothing that the worker already has", () => {
  const sender = new WorkerSender("/v1/traces");
  void sender.send(payload);
  FakeWorker.last.emit(READY);
  void sender.send(payload);
  expect(FakeWorker.last.requests.length).toBe(2);
  expect(sender.drain()).toEqual([]);
});

it.each(["before", "after"])("fails every payload of a worker that breaks %s it is ready", async (when) => {
  const sender = new WorkerSender("/v1/traces");
  const result = sender.send(payload);
  if (when === "after") FakeWorker.last.emit(READY);
  FakeWorker.last.dispatchEvent(new Event("error"));
  expect(await result).toBe(false);
  expect(await sender.send(payload)).toBe(false);
});

it("fails every payload where the browser blocks workers", async () => {
  vi.stubGlobal("Worker", class { constructor() { throw new DOMException("blocked", "SecurityError"); } });
  expect(await new WorkerSender("/v1/traces").send(payload)).toBe(false);
});
