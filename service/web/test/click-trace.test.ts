import { SpanKind, SpanStatusCode, context } from "@opentelemetry/api";
import { W3CTraceContextPropagator, hrTimeToNanoseconds } from "@opentelemetry/core";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, StackContextManager, WebTracerProvider } from "@opentelemetry/sdk-trace-web";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { get } from "../src/api/client";
import { type Call, onCalls } from "../src/api/call-log";
import { endLingeringFetches, fetchInstrumentation } from "../src/telemetry/fetch-spans";
import { becomeUser, sessionId } from "../src/identity";
import { xrayShapedIds } from "../src/telemetry/ids";
import { interact } from "../src/telemetry/interactions";
import { StampingProcessor } from "../src/telemetry/page-attributes";

const HOME = { path: "/api/activities/home", template: "/api/activities/home" };

const exporter = new InMemorySpanExporter();
const backend = vi.fn<(url: string, init: RequestInit) => Promise<Response>>();
let calls: readonly Call[] = [];
let disable = (): void => {};

beforeAll(() => {
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => backend(url, init));
  const provider = new WebTracerProvider({
    idGenerator: xrayShapedIds,
    spanProcessors: [new StampingProcessor(), new SimpleSpanProcessor(exporter)],
  });
  provider.register({ contextManager: new StackContextManager(), propagator: new W3CTraceContextPropagator() });
  disable = registerInstrumentations({
    tracerProvider: provider,
    instrumentations: [fetchInstrumentation(/\/v1\/traces/, /^http:\/\/backend\.example\//)],
  });
  onCalls((each) => {
    calls = each;
  });
});

afterAll(() => disable());

// As when the page goes away: nothing waits for the instrumentation, which would hold spans back into the next test.
afterEach(endLingeringFetches);

beforeEach(() => {
  exporter.reset();
  backend.mockReset();
  document.head.replaceChildren();
  location.hash = "#/notifications";
  becomeUser("worf");
});

/** Make one call within an interaction, and return both spans and what the backend was sent. */
async function click(reply: () => Promise<Response>) {
  backend.mockImplementation(reply);
  const target = document.createElement("button");
  target.id = "fault";
  const answer = await interact("click fail", { type: "click", target }, (within) => get<unknown>(HOME, within));
  endLingeringFetches();
  expect(exporter.getFinishedSpans()).toHaveLength(2);
  const named = (name: string): ReadableSpan => exporter.getFinishedSpans().find((each) => each.name === name)!;
  const [url, init] = backend.mock.calls[0]!;
  return { answer, url, headers: new Headers(init.headers), root: named("click fail"), call: named("GET /api/activities/home") };
}

const ok = async (): Promise<Response> =>
  new Response("[]", { headers: { "X-Trace-Id": "f".repeat(32), "Server-Timing": "app;dur=0" } });

describe("a click", () => {
  it("is one trace: the interaction, the call within it, and the backend's span by traceparent", async () => {
    const { root, call, headers } = await click(ok);
    expect(root.parentSpanContext).toBeUndefined();
    expect(root.attributes).toMatchObject({ event_type: "click", target_element: "BUTTON", target_id: "fault" });
    expect(call.kind).toBe(SpanKind.CLIENT);
    expect(call.parentSpanContext?.spanId).toBe(root.spanContext().spanId);
    const { traceId, spanId } = call.spanContext();
    expect(traceId).toBe(root.spanContext().traceId);
    expect(headers.get("traceparent")).toBe(`00-${traceId}-${spanId}-01`);
  });

  it("ends after its call has", async () => {
    const { root, call } = await click(ok);
    expect(hrTimeToNanoseconds(root.startTime)).toBeLessThanOrEqual(hrTimeToNanoseconds(call.startTime));
    expect(hrTimeToNanoseconds(root.endTime)).toBeGreaterThanOrEqual(hrTimeToNanoseconds(call.endTime));
  });

  it("leaves no context behind for what comes next", async () => {
    const before = context.active();
    await click(ok);
    expect(context.active()).toBe(before);
  });

  it("carries on each span who is there and where", async () => {
    const { root, call } = await click(ok);
    for (const span of [root, call]) {
      expect(span.attributes).toMatchObject({
        "user.id": "worf",
        "session.id": sessionId(),
        "page.route": "/notifications",
        "page.url": `${location.origin}/#/notifications`,
      });
    }
  });

  it("describes its call by HTTP's stable conventions", async () => {
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

describe("the user", () => {
  it("is named to the backend", async () => {
    expect((await click(ok)).headers.get("X-Cruddur-User")).toBe("worf");
  });

  it("who is signed out is named to nobody", async () => {
    becomeUser("");
    const { headers, call } = await click(ok);
    expect(headers.has("X-Cruddur-User")).toBe(false);
    expect(call.attributes).not.toHaveProperty("user.id");
  });
});

describe("a call that fails", () => {
  it("says so in one sentence with the trace id of the backend", async () => {
    const body = { error: { status: 500, name: "Internal Server Error", message: "…" } };
    const { answer, call } = await click(
      async () => new Response(JSON.stringify(body), { status: 500, headers: { "X-Trace-Id": "a".repeat(32) } }),
    );
    expect(answer).toEqual({
      ok: false,
      status: 500,
      sentence: "The backend failed with 500 Internal Server Error.",
      traceId: "a".repeat(32),
    });
    expect(call.status.code).toBe(SpanStatusCode.ERROR);
    expect(call.attributes).toMatchObject({ "error.type": "500", "http.response.status_code": 500 });
  });

  it("says what the backend refused, in the backend's words", async () => {
    const body = { error: { status: 422, name: "Unprocessable Entity", message: "give the words to look for" } };
    const { answer } = await click(async () => new Response(JSON.stringify(body), { status: 422 }));
    expect(answer).toMatchObject({
      sentence: "The backend refused this with 422 Unprocessable Entity: give the words to look for.",
    });
  });

  it("says that no answer came, with the trace id of its own span", async () => {
    const { answer, call } = await click(async () => Promise.reject(new TypeError("Failed to fetch")));
    expect(answer).toMatchObject({
      status: undefined,
      sentence: "The backend could not be reached. Check the connection and try again.",
      traceId: call.spanContext().traceId,
    });
    expect(call.status.code).toBe(SpanStatusCode.ERROR);
    expect(call.attributes["error.type"]).toBe("TypeError");
    expect(call.attributes).not.toHaveProperty(["http.response.status_code"]);
  });

  it("survives an answer that is no JSON", async () => {
    expect((await click(async () => new Response("<p>Bad gateway</p>", { status: 502 }))).answer).toMatchObject({
      sentence: "The backend failed with 502.",
    });
    exporter.reset();
    expect((await click(async () => new Response("<p>hello</p>"))).answer).toMatchObject({
      sentence: "The backend's answer could not be read.",
    });
  });
});

describe("the last calls", () => {
  it("show where the time went, under the backend's trace id", async () => {
    await click(ok);
    expect(calls[0]).toMatchObject({ method: "GET", path: HOME.path, status: 200, traceId: "f".repeat(32) });
    expect(calls[0]!.time).toEqual({ total: expect.any(Number), backend: 0, network: calls[0]!.time.total });
  });

  it("are eight at most", async () => {
    backend.mockImplementation(ok);
    await interact("click", undefined, async (within) => {
      for (let each = 0; each < 10; each++) await get(HOME, within);
    });
    expect(calls).toHaveLength(8);
  });
});

describe("another origin", () => {
  it("that is the page's back end gets the calls and their trace", async () => {
    const meta = document.createElement("meta");
    meta.name = "backend-url";
    meta.content = "http://backend.example/";
    document.head.append(meta);
    const { url, headers } = await click(ok);
    expect(url).toBe("http://backend.example/api/activities/home");
    expect(headers.has("traceparent")).toBe(true);
    expect(headers.get("X-Cruddur-User")).toBe("worf");
  });

  it("that is not gets no trace", async () => {
    backend.mockImplementation(ok);
    await fetch("http://stranger.example/");
    expect(new Headers(backend.mock.calls[0]![1].headers).has("traceparent")).toBe(false);
  });
});

it("makes no span of what goes to the relay", async () => {
  backend.mockImplementation(ok);
  await fetch(`${location.origin}/v1/traces`, { method: "POST" });
  endLingeringFetches();
  expect(exporter.getFinishedSpans()).toEqual([]);
});
