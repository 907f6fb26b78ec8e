import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { hrTimeToMilliseconds } from "@opentelemetry/core";
import { InMemorySpanExporter, SimpleSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";
import { beforeAll, beforeEach, expect, it } from "vitest";
import type { Metric } from "web-vitals";
import { recordVital } from "../../src/telemetry/web-vitals";

const exporter = new InMemorySpanExporter();

beforeAll(() => {
  trace.setGlobalTracerProvider(new WebTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});

beforeEach(() => exporter.reset());

function record(name: Metric["name"], value: number, startTime = 0) {
  const load = trace.getTracer("test").startSpan("documentLoad");
  const entries = [{ startTime } as PerformanceEntry];
  const metric = { name, value, rating: "good", id: "v1", entries, navigationType: "navigate" } as Metric;
  recordVital(metric, trace.setSpan(ROOT_CONTEXT, load), { "page.route": "/home" });
  const [span] = exporter.getFinishedSpans();
  return { span: span!, load };
}

it("becomes a span with the measured duration in the trace of the load", () => {
  const { span, load } = record("LCP", 850);
  expect(span.name).toBe("web-vital LCP");
  expect(span.parentSpanContext?.spanId).toBe(load.spanContext().spanId);
  expect(span.attributes).toMatchObject({
    "web_vital.name": "LCP",
    "web_vital.value": 850,
    "web_vital.rating": "good",
    "page.route": "/home",
  });
  expect(hrTimeToMilliseconds(span.duration)).toBeCloseTo(850, 0);
});

it("starts at its event where it is INP", () => {
  const { span } = record("INP", 40, 2000);
  expect(hrTimeToMilliseconds(span.startTime)).toBeCloseTo(performance.timeOrigin + 2000, 0);
  expect(hrTimeToMilliseconds(span.duration)).toBeCloseTo(40, 0);
});

it("has no duration where it is CLS", () => {
  const { span } = record("CLS", 0.02);
  expect(hrTimeToMilliseconds(span.duration)).toBe(0);
});
