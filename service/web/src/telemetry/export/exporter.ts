import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-web";
import { KeepaliveBudget, type Send } from "./keepalive";
import { type Payload, serialize } from "./payloads";
import type { QueuedPayload } from "./worker-sender";

interface Transports {
  /** Sends while the page is open. What it has queued but not sent can be drained. */
  readonly worker: { readonly send: Send; drain(): QueuedPayload[] };
  /** Sends requests that outlive the page. */
  readonly keepalive: Send;
}

/** Exports spans to the relay. Spans that it rejects are lost: the page does not retry, and logs nothing. */
export class RelayExporter implements SpanExporter {
  private lastExportOk = true;
  private isUnloading = false;
  private readonly budget = new KeepaliveBudget();

  constructor(private readonly transports: Transports) {}

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    const outcome = this.isUnloading ? this.exportByKeepalive(spans) : this.exportByWorker(spans);
    void outcome.then((ok) => resultCallback({ code: ok ? ExportResultCode.SUCCESS : ExportResultCode.FAILED }));
  }

  async shutdown(): Promise<void> {}

  /** Send the queued payloads, and the spans that `flush` exports synchronously, by requests that outlive the page. */
  exportOnUnload(flush: () => void): void {
    this.isUnloading = true;
    for (const { payload, resolve } of this.transports.worker.drain()) void this.sendByKeepalive(payload).then(resolve);
    flush();
    this.isUnloading = false;
  }

  private async exportByWorker(spans: ReadableSpan[]): Promise<boolean> {
    const results = await Promise.all(serialize(spans).map((payload) => this.transports.worker.send(payload)));
    this.lastExportOk = results.every(Boolean);
    return this.lastExportOk;
  }

  private async exportByKeepalive(spans: ReadableSpan[]): Promise<boolean> {
    // After a failed export the worker is used, because the browser logs failed keepalive requests to the console.
    if (!this.lastExportOk) return this.exportByWorker(spans);
    const results = serialize(spans).map((payload) => this.sendByKeepalive(payload));
    return (await Promise.all(results)).every(Boolean);
  }

  private async sendByKeepalive(payload: Payload): Promise<boolean> {
    const release = this.budget.reserve(payload);
    // Over the budget, the worker may still send: a hidden page is often not unloaded.
    if (!release) return this.transports.worker.send(payload);
    try {
      this.lastExportOk = await this.transports.keepalive(payload);
      return this.lastExportOk;
    } finally {
      release();
    }
  }
}
