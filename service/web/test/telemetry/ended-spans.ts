import type { Attributes } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-web";
import { xrayIdGenerator } from "../../src/telemetry/ids";

/** Return `count` ended spans of a real tracer, called `span 0`, `span 1` and so on. */
export function endedSpans(count: number, attributes: Attributes = {}): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": "test" }),
    idGenerator: xrayIdGenerator,
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("test");
  for (let index = 0; index < count; index++) tracer.startSpan(`span ${index}`, { attributes }).end();
  return exporter.getFinishedSpans();
}
