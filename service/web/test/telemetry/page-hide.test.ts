import { expect, it, vi } from "vitest";
import { interact } from "../../src/telemetry/interactions";
import { startTelemetry } from "../../src/telemetry/setup";

interface Sent {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] };
    scopeSpans: { spans: { name: string; traceId: string }[] }[];
  }[];
}

it("sends what is still open when the page goes away, by a request that outlives it", async () => {
  const relay = vi.fn(async (_url: string, _init: RequestInit) => new Response("{}"));
  vi.stubGlobal("fetch", relay);
  document.head.innerHTML = '<meta name="service-version" content="1.2.3">';
  startTelemetry();
  void interact("click home", undefined, () => new Promise(() => {}));
  expect(relay).not.toHaveBeenCalled();

  window.dispatchEvent(new Event("pagehide"));

  const [url, init] = relay.mock.calls[0]!;
  expect(url).toBe(`${location.origin}/v1/traces`);
  expect(init.keepalive).toBe(true);
  const [sent] = (JSON.parse(new TextDecoder().decode(init.body as Uint8Array)) as Sent).resourceSpans;
  const resource = Object.fromEntries(sent!.resource.attributes.map((each) => [each.key, each.value.stringValue]));
  expect(resource).toMatchObject({ "service.name": "Cruddur-Frontend", "service.version": "1.2.3" });
  const span = sent!.scopeSpans.flatMap((each) => each.spans).find((each) => each.name === "click home");
  expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
});
