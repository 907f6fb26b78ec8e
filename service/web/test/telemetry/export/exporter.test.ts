import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-web";
import { describe, expect, it, vi } from "vitest";
import { RelayExporter } from "../../../src/telemetry/export/exporter";
import { KEEPALIVE_BYTES, keepaliveSend } from "../../../src/telemetry/export/keepalive";
import type { Waiting } from "../../../src/telemetry/export/worker-sender";
import { endedSpans } from "../ended-spans";

function exporterWith(options: { ok?: boolean; leaving?: boolean }) {
  const state = { ok: true, leaving: false, ...options };
  const waiting: Waiting[] = [];
  const staying = vi.fn(async (_body: Uint8Array) => state.ok);
  const leaving = vi.fn(async (_body: Uint8Array) => state.ok);
  const exporter = new RelayExporter({ staying: { send: staying, takeBack: () => waiting.splice(0) }, leaving });
  const send = (spans: ReadableSpan[]): Promise<ExportResult> =>
    new Promise((done) => {
      const handOver = (): void => exporter.export(spans, done);
      if (state.leaving) exporter.leave(handOver);
      else handOver();
    });
  return { exporter, state, waiting, staying, leaving, send };
}

describe("the exporter", () => {
  it("sends by the page's usual way while the page stays", async () => {
    const { staying, leaving, send } = exporterWith({});
    expect(await send(endedSpans(3))).toEqual({ code: ExportResultCode.SUCCESS });
    expect(staying).toHaveBeenCalledOnce();
    expect(leaving).not.toHaveBeenCalled();
  });

  it("sends what outlives the page when it goes, all of it within the browser's limit", async () => {
    const { staying, leaving, send } = exporterWith({ leaving: true });
    await send(endedSpans(100, { long: "x".repeat(2000) }));
    const kept = leaving.mock.calls.map(([body]) => body.byteLength);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(KEEPALIVE_BYTES);
    expect(staying).toHaveBeenCalled();
  });

  it("sends what still waits for the usual way when the page goes, and tells its sender", async () => {
    const { exporter, waiting, staying, leaving } = exporterWith({});
    const body = new Uint8Array([123, 125]);
    const answered = new Promise<boolean>((answer) => waiting.push({ body, answer }));
    exporter.leave(() => {});
    expect(await answered).toBe(true);
    expect(leaving.mock.calls).toEqual([[body]]);
    expect(staying).not.toHaveBeenCalled();
  });

  it("reports a relay that takes nothing to the processor and to nobody else", async () => {
    const written = vi.spyOn(console, "error");
    const { send } = exporterWith({ ok: false });
    expect((await send(endedSpans(1))).code).toBe(ExportResultCode.FAILED);
    expect(written).not.toHaveBeenCalled();
  });

  it("spares a relay that took nothing the way whose failures the browser writes to the console", async () => {
    const { state, staying, leaving, send } = exporterWith({ ok: false });
    await send(endedSpans(1));
    state.leaving = true;
    await send(endedSpans(1));
    expect(leaving).not.toHaveBeenCalled();
    expect(staying).toHaveBeenCalledTimes(2);
    state.leaving = false;
    state.ok = true;
    await send(endedSpans(1));
    state.leaving = true;
    await send(endedSpans(1));
    expect(leaving).toHaveBeenCalledOnce();
  });
});

describe("a request that outlives the page", () => {
  const body = new Uint8Array([123, 125]);

  it("is a keepalive POST of JSON", async () => {
    const fetch = vi.fn(async () => new Response("{}"));
    expect(await keepaliveSend("/v1/traces", fetch)(body)).toBe(true);
    expect(fetch).toHaveBeenCalledWith("/v1/traces", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
      keepalive: true,
    });
  });

  it.each([404, 429, 503])("is not taken when the relay answers %d", async (status) => {
    expect(await keepaliveSend("/v1/traces", async () => new Response("", { status }))(body)).toBe(false);
  });

  it("is not taken when the relay is blocked", async () => {
    const blocked = async (): Promise<never> => Promise.reject(new TypeError("Failed to fetch"));
    expect(await keepaliveSend("/v1/traces", blocked)(body)).toBe(false);
  });
});
