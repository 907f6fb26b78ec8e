import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { registerInstrumentations } from "@opentelemetry/instrumentation";
import { DocumentLoadInstrumentation } from "@opentelemetry/instrumentation-document-load";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, StackContextManager, WebTracerProvider } from "@opentelemetry/sdk-trace-web";
import { backendUrl, isRelayOn, serviceVersion } from "../config";
import { FRONTEND_SERVICE_NAME, RELAY_PATH } from "../contract";
import { RelayExporter } from "./export/exporter";
import { keepaliveSend } from "./export/keepalive";
import { MAX_SPANS } from "./export/payloads";
import { WorkerSender } from "./export/worker-sender";
import { endPendingFetchSpans, fetchInstrumentation } from "./fetch-spans";
import { xrayIdGenerator } from "./ids";
import { endOpenInteractions } from "./interactions";
import { PageAttributesProcessor } from "./page-attributes";
import { recordWebVitals } from "./web-vitals";

const EXPORT_DELAY_MS = 1000;
const MAX_ATTRIBUTE_LENGTH = 2048;

/**
 * Trace the page's load, its calls and its web vitals. Event handlers trace their interactions themselves. Where the
 * relay is off, calls still carry the trace's id, and no span is exported.
 */
export function startTelemetry(): void {
  const relayUrl = backendUrl() + RELAY_PATH;
  const exporter = new RelayExporter({
    worker: new WorkerSender(relayUrl),
    // The browser's own `fetch`, before it is instrumented.
    keepalive: keepaliveSend(relayUrl, globalThis.fetch.bind(globalThis)),
  });
  const provider = new WebTracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({
        "service.name": FRONTEND_SERVICE_NAME,
        "service.version": serviceVersion(),
        "user_agent.original": navigator.userAgent,
        "browser.language": navigator.language,
      }),
    ),
    idGenerator: xrayIdGenerator,
    spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE_LENGTH },
    spanProcessors: [new PageAttributesProcessor(), ...(isRelayOn() ? [batchProcessor(exporter)] : [])],
  });
  provider.register({ contextManager: new StackContextManager(), propagator: new W3CTraceContextPropagator() });
  registerInstrumentations({
    instrumentations: [
      fetchInstrumentation(prefixPattern(relayUrl), prefixPattern(`${backendUrl()}/`)),
      documentLoadInstrumentation(),
    ],
  });
  flushOnHide(provider, exporter);
}

function batchProcessor(exporter: RelayExporter): BatchSpanProcessor {
  return new BatchSpanProcessor(exporter, {
    maxExportBatchSize: MAX_SPANS,
    scheduledDelayMillis: EXPORT_DELAY_MS,
    // The processor's own listener would run before the web vitals are reported and before open spans are ended.
    disableAutoFlushOnDocumentHide: true,
  });
}

function documentLoadInstrumentation(): DocumentLoadInstrumentation {
  return new DocumentLoadInstrumentation({
    // This hook runs when the load has ended. The web vitals join its trace; the browser buffers them until then.
    applyCustomAttributesOnSpan: { documentLoad: (span) => recordWebVitals(trace.setSpan(ROOT_CONTEXT, span)) },
  });
}

function flushOnHide(provider: WebTracerProvider, exporter: RelayExporter): void {
  function flush(): void {
    endPendingFetchSpans();
    exporter.exportOnUnload(() => {
      // A flush rejects where the export failed, which the page ignores.
      provider.forceFlush().catch(() => {});
    });
  }
  // A bubbling listener on the window runs after the capturing ones of web-vitals, which report on hide.
  window.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") flush();
  });
  window.addEventListener("pagehide", () => {
    endOpenInteractions();
    flush();
  });
}

function prefixPattern(url: string): RegExp {
  return new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
}
