import type { Send } from "./keepalive";
import type { Payload } from "./payloads";
import { relayHeaders } from "./relay-headers";
import { type ExportRequest, type ExportResponse, READY } from "./relay-messages";

/** A payload that waits for the worker, and the function that resolves its `send`. */
export interface QueuedPayload {
  readonly payload: Payload;
  readonly resolve: (ok: boolean) => void;
}

/** Sends payloads by a worker. They are queued until the worker runs, and the queue can be drained. */
export class WorkerSender {
  private worker: Worker | undefined;
  private state: "starting" | "ready" | "failed" = "starting";
  private queue: QueuedPayload[] = [];
  private readonly inFlight = new Map<number, (ok: boolean) => void>();
  private nextId = 0;

  constructor(private readonly url: string) {}

  readonly send: Send = (payload) => new Promise((resolve) => this.enqueue({ payload, resolve }));

  /** Empty the queue and return it; the caller sends and resolves its items. */
  drain(): QueuedPayload[] {
    return this.queue.splice(0);
  }

  private enqueue(item: QueuedPayload): void {
    if (this.state === "ready") return this.post(item);
    if (this.state === "failed") return item.resolve(false);
    this.queue.push(item);
    try {
      this.worker ??= this.startWorker();
    } catch {
      this.fail();
    }
  }

  private startWorker(): Worker {
    const worker = new Worker(new URL("./relay.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<ExportResponse | typeof READY>) => {
      if (data === READY) this.onReady();
      else this.onResponse(data);
    });
    // A worker that cannot run answers nothing: its payloads are lost, and the page goes on.
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.fail();
    });
    return worker;
  }

  private onReady(): void {
    this.state = "ready";
    for (const item of this.drain()) this.post(item);
  }

  private post({ payload, resolve }: QueuedPayload): void {
    const id = this.nextId++;
    this.inFlight.set(id, resolve);
    this.worker?.postMessage({ id, url: this.url, headers: relayHeaders(), payload } satisfies ExportRequest);
  }

  private onResponse({ id, ok }: ExportResponse): void {
    this.inFlight.get(id)?.(ok);
    this.inFlight.delete(id);
  }

  private fail(): void {
    this.state = "failed";
    for (const { resolve } of this.drain()) resolve(false);
    for (const resolve of this.inFlight.values()) resolve(false);
    this.inFlight.clear();
  }
}
