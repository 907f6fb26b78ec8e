import { expect, it, vi } from "vitest";
import { traceInteraction } from "../../src/telemetry/interactions";
import { startTelemetry } from "../../src/telemetry/setup";

it("exports nothing where the service does not relay spans, and calls still carry a trace id", async () => {
  const fetched = vi.fn(async (_url: unknown, _init?: RequestInit) => new Response("{}"));
  vi.stubGlobal("fetch", fetched);
  document.head.innerHTML = '<meta name="browser-relay" content="off">';
  startTelemetry();
  await traceInteraction("click home", undefined, async () => {
    await fetch(`${location.origin}/api/activities/home`);
  });

  window.dispatchEvent(new Event("pagehide"));

  expect(fetched).toHaveBeenCalledOnce();
  const headers = new Headers(fetched.mock.calls[0]![1]?.headers);
  expect(headers.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});
