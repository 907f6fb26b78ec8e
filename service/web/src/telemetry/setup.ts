import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { DocumentLoadInstrumentation } from "@opentelemetry/instrumentation-document-load";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BatchSpanProcessor, StackContextManager, WebTracerProvider } from "@opentelemetry/sdk-trace-web";
import { RelayExporter } from "./export/exporter";
import { endLingeringFetches, fetchInstrumentation } from "./fetch-spans";
import { xrayShapedIds } from "./ids";
import { endOpenInteractions } from "./interactions";
import { keepaliveSend } from "./export/keepalive";
import { backendUrl, meta } from "../config";
import { MAX_SPANS } from "./export/payloads";
import { WorkerSender } from "./export/worker-sender";
import { StampingProcessor } from "./page-attributes";
import { watchVitals } from "./web-vitals";

const SERVICE_NAME = "Cruddur-Frontend";
const SEND_AFTER_MS = 1000;
const LONGEST_VALUE = 2048;

/** Start observing the page: its load, its calls and its web vitals. Interactions are observed where they are handled. */
export function startTelemetry(): void {
  const relay = `${backendUrl()}/v1/traces`;
  const exporter = new RelayExporter({
    staying: new WorkerSender(relay),
    // Taken before the instrumentation wraps it.
    leaving: keepaliveSend(relay, globalThis.fetch.bind(globalThis)),
  });
  const provider = new WebTracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({
        "service.name": SERVICE_NAME,
        "service.version": meta("service-version") || "unknown",
        "user_agent.original": navigator.userAgent,
        "browser.language": navigator.language,
      }),
    ),
    idGenerator: xrayShapedIds,
    spanLimits: { attributeValueLengthLimit: LONGEST_VALUE },
    spanProcessors: [new StampingProcessor(), batching(exporter)],
  });
  provider.register({ contextManager: new StackContextManager(), propagator: new W3CTraceContextPropagator() });
  registerInstrumentations({
    instrumentations: [fetchInstrumentation(prefix(relay), prefix(`${backendUrl()}/`)), documentLoad()],
  });
  flushOnHide(provider, exporter);
}

function batching(exporter: RelayExporter): BatchSpanProcessor {
  return new BatchSpanProcessor(exporter, {
    maxExportBatchSize: MAX_SPANS,
    scheduledDelayMillis: SEND_AFTER_MS,
    // Its own listener would come before the web vitals', and before the spans that are ended below.
    disableAutoFlushOnDocumentHide: true,
  });
}

function documentLoad(): DocumentLoadInstrumentation {
  return new DocumentLoadInstrumentation({
    // Once the load is over, so that its trace holds them; they were measured all along.
    applyCustomAttributesOnSpan: { documentLoad: (span) => watchVitals(trace.setSpan(ROOT_CONTEXT, span)) },
  });
}

function flushOnHide(provider: WebTracerProvider, exporter: RelayExporter): void {
  function flush(): void {
    endLingeringFetches();
    exporter.leave(() => {
      // It rejects where the relay took nothing, which nobody is told.
      provider.forceFlush().catch(() => {});
    });
  }
  // On the window and after the capturing listeners of the web vitals, which report the last of them when hidden.
  window.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") flush();
  });
  window.addEventListener("pagehide", () => {
    endOpenInteractions();
    flush();
  });
}

function prefix(url: string): RegExp {
  return new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
}
