import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-web";
import { describe, expect, it, vi } from "vitest";
import { setUser } from "../../../src/identity";
import { RelayExporter } from "../../../src/telemetry/export/exporter";
import { KEEPALIVE_BYTES, keepaliveSend } from "../../../src/telemetry/export/keepalive";
import type { QueuedPayload } from "../../../src/telemetry/export/worker-sender";
import { endedSpans } from "../ended-spans";

function exporterWith(options: { ok?: boolean; unloading?: boolean }) {
  const state = { ok: true, unloading: false, ...options };
  const queue: QueuedPayload[] = [];
  const worker = vi.fn(async (_payload: Uint8Array) => state.ok);
  const keepalive = vi.fn(async (_payload: Uint8Array) => state.ok);
  const exporter = new RelayExporter({ worker: { send: worker, drain: () => queue.splice(0) }, keepalive });
  const send = (spans: ReadableSpan[]): Promise<ExportResult> =>
    new Promise((resolve) => {
      const exportSpans = (): void => exporter.export(spans, resolve);
      if (state.unloading) exporter.exportOnUnload(exportSpans);
      else exportSpans();
    });
  return { exporter, state, queue, worker, keepalive, send };
}

describe("the exporter", () => {
  it("sends by the worker while the page is open", async () => {
    const { worker, keepalive, send } = exporterWith({});
    expect(await send(endedSpans(3))).toEqual({ code: ExportResultCode.SUCCESS });
    expect(worker).toHaveBeenCalledOnce();
    expect(keepalive).not.toHaveBeenCalled();
  });

  it("sends keepalive requests within the browser's limit when the page is unloaded", async () => {
    const { worker, keepalive, send } = exporterWith({ unloading: true });
    await send(endedSpans(100, { long: "x".repeat(2000) }));
    const sizes = keepalive.mock.calls.map(([payload]) => payload.byteLength);
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(KEEPALIVE_BYTES);
    expect(worker).toHaveBeenCalled();
  });

  it("sends the worker's queue when the page is unloaded, and resolves its items", async () => {
    const { exporter, queue, worker, keepalive } = exporterWith({});
    const payload = new Uint8Array([123, 125]);
    const result = new Promise<boolean>((resolve) => queue.push({ payload, resolve }));
    exporter.exportOnUnload(() => {});
    expect(await result).toBe(true);
    expect(keepalive.mock.calls).toEqual([[payload]]);
    expect(worker).not.toHaveBeenCalled();
  });

  it("reports a failed export to the processor, and logs nothing", async () => {
    const logError = vi.spyOn(console, "error");
    const { send } = exporterWith({ ok: false });
    expect((await send(endedSpans(1))).code).toBe(ExportResultCode.FAILED);
    expect(logError).not.toHaveBeenCalled();
  });

  it("sends no keepalive request, whose failure the browser would log, after a failed export", async () => {
    const { state, worker, keepalive, send } = exporterWith({ ok: false });
    await send(endedSpans(1));
    state.unloading = true;
    await send(endedSpans(1));
    expect(keepalive).not.toHaveBeenCalled();
    expect(worker).toHaveBeenCalledTimes(2);
    state.unloading = false;
    state.ok = true;
    await send(endedSpans(1));
    state.unloading = true;
    await send(endedSpans(1));
    expect(keepalive).toHaveBeenCalledOnce();
  });
});

describe("a keepalive request", () => {
  const payload = new Uint8Array([123, 125]);

  it("names the user to the relay", async () => {
    setUser("worf");
    const fetch = vi.fn(async (_url: unknown, _init?: RequestInit) => new Response("{}"));
    await keepaliveSend("/v1/traces", fetch)(payload);
    setUser("");
    expect(fetch.mock.calls[0]![1]!.headers).toEqual({ "Content-Type": "application/json", "X-Cruddur-User": "worf" });
  });

  it("is a POST of JSON", async () => {
    const fetch = vi.fn(async () => new Response("{}"));
    expect(await keepaliveSend("/v1/traces", fetch)(payload)).toBe(true);
    expect(fetch).toHaveBeenCalledWith("/v1/traces", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: payload,
      keepalive: true,
    });
  });

  it.each([404, 429, 503])("fails where the relay responds with %d", async (status) => {
    expect(await keepaliveSend("/v1/traces", async () => new Response("", { status }))(payload)).toBe(false);
  });

  it("fails where the relay is blocked", async () => {
    const blocked = async (): Promise<never> => Promise.reject(new TypeError("Failed to fetch"));
    expect(await keepaliveSend("/v1/traces", blocked)(payload)).toBe(false);
  });
});
