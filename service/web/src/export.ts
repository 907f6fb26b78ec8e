import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-web";
import { pack } from "./pack";
import { KEEPALIVE_BYTES, type Send } from "./relay";

interface Ways {
  /** How bodies go while the page stays. */
  readonly staying: Send;
  /** How they go when it may be gone the next moment. */
  readonly leaving: Send;
  /** Whether it may. */
  readonly isLeaving: () => boolean;
}

/** Sends spans to the relay. What it does not take is lost: the page keeps nothing for later and tells nobody. */
export class RelayExporter implements SpanExporter {
  private taken = true;
  private keptAlive = 0;

  constructor(private readonly ways: Ways) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const sent = this.ways.isLeaving() ? this.sendLeaving(spans) : this.sendStaying(spans);
    void sent.then((ok) => done({ code: ok ? ExportResultCode.SUCCESS : ExportResultCode.FAILED }));
  }

  async shutdown(): Promise<void> {}

  private async sendStaying(spans: ReadableSpan[]): Promise<boolean> {
    const outcomes = await Promise.all(pack(spans).map((body) => this.ways.staying(body)));
    this.taken = outcomes.every(Boolean);
    return this.taken;
  }

  private async sendLeaving(spans: ReadableSpan[]): Promise<boolean> {
    // A relay that took nothing last time gets nothing by this way, whose failures the browser writes to the console.
    if (!this.taken) return this.sendStaying(spans);
    const outcomes = pack(spans, KEEPALIVE_BYTES).map((body) => this.sendKept(body));
    return (await Promise.all(outcomes)).every(Boolean);
  }

  private async sendKept(body: Uint8Array<ArrayBuffer>): Promise<boolean> {
    // The browser refuses what is over its limit; a page that is only hidden can still send it the usual way.
    if (this.keptAlive + body.byteLength > KEEPALIVE_BYTES) return this.ways.staying(body);
    this.keptAlive += body.byteLength;
    try {
      this.taken = await this.ways.leaving(body);
      return this.taken;
    } finally {
      this.keptAlive -= body.byteLength;
    }
  }
}
