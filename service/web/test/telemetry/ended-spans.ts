import type { Attributes } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-web";
import { xrayShapedIds } from "../../src/telemetry/ids";

/** Return `count` ended spans of a real tracer. */
export function endedSpans(count: number, attributes: Attributes = {}): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": "Cruddur-Frontend" }),
    idGenerator: xrayShapedIds,
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("test");
  for (let each = 0; each < count; each++) tracer.startSpan(`span ${each}`, { attributes }).end();
  return exporter.getFinishedSpans();
}
