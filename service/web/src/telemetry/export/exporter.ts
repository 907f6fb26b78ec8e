import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-web";
import { KEEPALIVE_BYTES, KeepaliveRoom } from "./keepalive";
import { pack } from "./payloads";
import type { Body, Send, Waiting } from "./worker-sender";

interface Ways {
  /** How bodies go while the page stays; what is not on its way yet can be taken back. */
  readonly staying: { readonly send: Send; takeBack(): Waiting[] };
  /** How they go when it may be gone the next moment. */
  readonly leaving: Send;
}

/** Sends spans to the relay. What it does not take is lost: the page keeps nothing for later and tells nobody. */
export class RelayExporter implements SpanExporter {
  private taken = true;
  private isLeaving = false;
  private readonly room = new KeepaliveRoom();

  constructor(private readonly ways: Ways) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const sent = this.isLeaving ? this.sendLeaving(spans) : this.sendStaying(spans);
    void sent.then((ok) => done({ code: ok ? ExportResultCode.SUCCESS : ExportResultCode.FAILED }));
  }

  async shutdown(): Promise<void> {}

  /** Send what waits, and what `flush` has exported at once, in a way that outlives the page. */
  leave(flush: () => void): void {
    this.isLeaving = true;
    for (const { body, answer } of this.ways.staying.takeBack()) void this.sendKept(body).then(answer);
    flush();
    this.isLeaving = false;
  }

  private async sendStaying(spans: ReadableSpan[]): Promise<boolean> {
    const outcomes = await Promise.all(pack(spans).map((body) => this.ways.staying.send(body)));
    this.taken = outcomes.every(Boolean);
    return this.taken;
  }

  private async sendLeaving(spans: ReadableSpan[]): Promise<boolean> {
    // A relay that took nothing last time gets nothing by this way, whose failures the browser writes to the console.
    if (!this.taken) return this.sendStaying(spans);
    const outcomes = pack(spans, KEEPALIVE_BYTES).map((body) => this.sendKept(body));
    return (await Promise.all(outcomes)).every(Boolean);
  }

  private async sendKept(body: Body): Promise<boolean> {
    const giveBack = this.room.take(body);
    // A page that is only hidden can still send the usual way what there is no room for.
    if (!giveBack) return this.ways.staying.send(body);
    try {
      this.taken = await this.ways.leaving(body);
      return this.taken;
    } finally {
      giveBack();
    }
  }
}
