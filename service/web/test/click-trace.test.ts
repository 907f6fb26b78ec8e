import { SpanKind, SpanStatusCode, context } from "@opentelemetry/api";
import { W3CTraceContextPropagator, hrTimeToNanoseconds } from "@opentelemetry/core";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  StackContextManager,
  WebTracerProvider,
} from "@opentelemetry/sdk-trace-web";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { get } from "../src/api/client";
import { type Call, onCalls } from "../src/api/call-log";
import { endPendingFetchSpans, fetchInstrumentation } from "../src/telemetry/fetch-spans";
import { setUser, sessionId } from "../src/identity";
import { xrayIdGenerator } from "../src/telemetry/ids";
import { traceInteraction } from "../src/telemetry/interactions";
import { PageAttributesProcessor } from "../src/telemetry/page-attributes";

const HOME = { path: "/api/activities/home", template: "/api/activities/home" };

const exporter = new InMemorySpanExporter();
const backend = vi.fn<(url: string, init: RequestInit) => Promise<Response>>();
let calls: readonly Call[] = [];
let disable = (): void => {};

beforeAll(() => {
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => backend(url, init));
  const provider = new WebTracerProvider({
    idGenerator: xrayIdGenerator,
    spanProcessors: [new PageAttributesProcessor(), new SimpleSpanProcessor(exporter)],
  });
  provider.register({ contextManager: new StackContextManager(), propagator: new W3CTraceContextPropagator() });
  disable = registerInstrumentations({
    tracerProvider: provider,
    instrumentations: [fetchInstrumentation(/\/v1\/traces/, /^http:\/\/backend\.example\//)],
  });
  onCalls((latest) => {
    calls = latest;
  });
});

afterAll(() => disable());

// The instrumentation ends spans later, which would be during the next test.
afterEach(endPendingFetchSpans);

beforeEach(() => {
  exporter.reset();
  backend.mockReset();
  document.head.replaceChildren();
  location.hash = "#/notifications";
  setUser("worf");
});

/** Make one call in an interaction, and return its result, both spans and the request's headers. */
async function click(respond: () => Promise<Response>) {
  backend.mockImplementation(respond);
  const target = document.createElement("button");
  target.id = "fault";
  const event = { type: "click", target };
  const result = await traceInteraction("click fail", event, (parent) => get<unknown>(HOME, parent));
  endPendingFetchSpans();
  expect(exporter.getFinishedSpans()).toHaveLength(2);
  const spanNamed = (name: string): ReadableSpan => exporter.getFinishedSpans().find((span) => span.name === name)!;
  const [url, init] = backend.mock.calls[0]!;
  const headers = new Headers(init.headers);
  return { result, url, headers, root: spanNamed("click fail"), call: spanNamed("GET /api/activities/home") };
}

const ok = async (): Promise<Response> =>
  new Response("[]", { headers: { "X-Trace-Id": "f".repeat(32), "Server-Timing": "app;dur=0" } });

describe("a click", () => {
  it("is one trace: the interaction, the call below it, and the backend's span by traceparent", async () => {
    const { root, call, headers } = await click(ok);
    expect(root.parentSpanContext).toBeUndefined();
    expect(root.attributes).toMatchObject({ event_type: "click", target_element: "BUTTON", target_id: "fault" });
    expect(call.kind).toBe(SpanKind.CLIENT);
    expect(call.parentSpanContext?.spanId).toBe(root.spanContext().spanId);
    const { traceId, spanId } = call.spanContext();
    expect(traceId).toBe(root.spanContext().traceId);
    expect(headers.get("traceparent")).toBe(`00-${traceId}-${spanId}-01`);
  });

  it("ends after its call", async () => {
    const { root, call } = await click(ok);
    expect(hrTimeToNanoseconds(root.startTime)).toBeLessThanOrEqual(hrTimeToNanoseconds(call.startTime));
    expect(hrTimeToNanoseconds(root.endTime)).toBeGreaterThanOrEqual(hrTimeToNanoseconds(call.endTime));
  });

  it("restores the active context", async () => {
    const before = context.active();
    await click(ok);
    expect(context.active()).toBe(before);
  });

  it("sets the session and the page on each span, and leaves the user to the relay", async () => {
    const { root, call } = await click(ok);
    for (const span of [root, call]) {
      expect(span.attributes).toMatchObject({
        "session.id": sessionId(),
        "page.route": "/notifications",
        "page.url": `${location.origin}/#/notifications`,
      });
      expect(span.attributes).not.toHaveProperty("user.id");
    }
  });

  it("describes its call by the stable HTTP semantic conventions", async () => {
    const { call } = await click(ok);
    expect(call.attributes).toMatchObject({
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "url.full": `${location.origin}/api/activities/home`,
      "url.template": "/api/activities/home",
      "server.address": location.hostname,
    });
    expect(call.status.code).toBe(SpanStatusCode.UNSET);
  });
});

describe("the user header", () => {
  it("names the current user", async () => {
    expect((await click(ok)).headers.get("X-Cruddur-User")).toBe("worf");
  });

  it("is absent when signed out", async () => {
    setUser("");
    const { headers } = await click(ok);
    expect(headers.has("X-Cruddur-User")).toBe(false);
  });
});

describe("a failed call", () => {
  it("returns one sentence with the trace id of the backend", async () => {
    const body = { error: { status: 500, name: "Internal Server Error", message: "…" } };
    const { result, call } = await click(
      async () => new Response(JSON.stringify(body), { status: 500, headers: { "X-Trace-Id": "a".repeat(32) } }),
    );
    expect(result).toEqual({
      ok: false,
      status: 500,
      message: "The backend failed with 500 Internal Server Error.",
      traceId: "a".repeat(32),
    });
    expect(call.status.code).toBe(SpanStatusCode.ERROR);
    expect(call.attributes).toMatchObject({ "error.type": "500", "http.response.status_code": 500 });
  });

  it("returns the backend's reason for a 4xx", async () => {
    const body = { error: { status: 422, name: "Unprocessable Entity", message: "give a search term" } };
    const { result } = await click(async () => new Response(JSON.stringify(body), { status: 422 }));
    expect(result).toMatchObject({
      message: "The backend rejected the request with 422 Unprocessable Entity: give a search term.",
    });
  });

  it("without a response returns the trace id of its own span", async () => {
    const { result, call } = await click(async () => Promise.reject(new TypeError("Failed to fetch")));
    expect(result).toMatchObject({
      status: undefined,
      message: "The backend could not be reached. Check the connection and try again.",
      traceId: call.spanContext().traceId,
    });
    expect(call.status.code).toBe(SpanStatusCode.ERROR);
    expect(call.attributes["error.type"]).toBe("TypeError");
    expect(call.attributes).not.toHaveProperty(["http.response.status_code"]);
  });

  it("handles a response that is not JSON", async () => {
    expect((await click(async () => new Response("<p>Bad gateway</p>", { status: 502 }))).result).toMatchObject({
      message: "The backend failed with 502.",
    });
    exporter.reset();
    expect((await click(async () => new Response("<p>hello</p>"))).result).toMatchObject({
      message: "The backend's response is not valid JSON.",
    });
  });
});

describe("the call log", () => {
  it("has the durations and the backend's trace id", async () => {
    await click(ok);
    expect(calls[0]).toMatchObject({ method: "GET", path: HOME.path, status: 200, traceId: "f".repeat(32) });
    expect(calls[0]!.timing).toEqual({ total: expect.any(Number), backend: 0, network: calls[0]!.timing.total });
  });

  it("holds the latest eight calls", async () => {
    backend.mockImplementation(ok);
    await traceInteraction("click", undefined, async (parent) => {
      for (let count = 0; count < 10; count++) await get(HOME, parent);
    });
    expect(calls).toHaveLength(8);
  });
});

describe("a request to another origin", () => {
  it("has traceparent where that is the page's backend", async () => {
    const meta = document.createElement("meta");
    meta.name = "backend-url";
    meta.content = "http://backend.example/";
    document.head.append(meta);
    const { url, headers } = await click(ok);
    expect(url).toBe("http://backend.example/api/activities/home");
    expect(headers.has("traceparent")).toBe(true);
    expect(headers.get("X-Cruddur-User")).toBe("worf");
  });

  it("has no traceparent elsewhere", async () => {
    backend.mockImplementation(ok);
    await fetch("http://stranger.example/");
    expect(new Headers(backend.mock.calls[0]![1].headers).has("traceparent")).toBe(false);
  });
});

it("makes no span for requests to the relay", async () => {
  backend.mockImplementation(ok);
  await fetch(`${location.origin}/v1/traces`, { method: "POST" });
  endPendingFetchSpans();
  expect(exporter.getFinishedSpans()).toEqual([]);
});
