import { expect, it, vi } from "vitest";
import { traceInteraction } from "../../src/telemetry/interactions";
import { startTelemetry } from "../../src/telemetry/setup";

interface OtlpRequest {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] };
    scopeSpans: { spans: { name: string; traceId: string }[] }[];
  }[];
}

it("ends and exports open spans by a keepalive request when the page is hidden", async () => {
  const relay = vi.fn(async (_url: string, _init: RequestInit) => new Response("{}"));
  vi.stubGlobal("fetch", relay);
  document.head.innerHTML = '<meta name="service-version" content="1.2.3">';
  startTelemetry();
  void traceInteraction("click home", undefined, () => new Promise(() => {}));
  expect(relay).not.toHaveBeenCalled();

  window.dispatchEvent(new Event("pagehide"));

  const [url, init] = relay.mock.calls[0]!;
  expect(url).toBe(`${location.origin}/v1/traces`);
  expect(init.keepalive).toBe(true);
  const request = JSON.parse(new TextDecoder().decode(init.body as Uint8Array)) as OtlpRequest;
  const [resourceSpans] = request.resourceSpans;
  const attributes = resourceSpans!.resource.attributes.map(({ key, value }) => [key, value.stringValue]);
  expect(Object.fromEntries(attributes)).toMatchObject({ "service.name": "Cruddur-Frontend", "service.version": "1.2.3" });
  const spans = resourceSpans!.scopeSpans.flatMap((scope) => scope.spans);
  const span = spans.find(({ name }) => name === "click home");
  expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
});
