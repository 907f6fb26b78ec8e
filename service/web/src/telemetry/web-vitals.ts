import { type Attributes, type Context, trace } from "@opentelemetry/api";
import { type Metric, onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";
import { pageAttributes } from "./page-attributes";

/** Record each web vital as a child of the span in `load`, the context of the document's load. */
export function recordWebVitals(load: Context): void {
  const landingPage = pageAttributes();
  // The first three describe the page that was loaded, though another may be open by now; CLS and INP the open page.
  for (const subscribe of [onFCP, onLCP, onTTFB]) subscribe((metric) => recordVital(metric, load, landingPage));
  for (const subscribe of [onCLS, onINP]) subscribe((metric) => recordVital(metric, load));
}

/** Record `metric` as a span with the duration that it measured; CLS is no duration. */
export function recordVital(metric: Metric, load: Context, page: Attributes = {}): void {
  const [startTime, endTime] = intervalOf(metric);
  const attributes = {
    "web_vital.name": metric.name,
    "web_vital.value": metric.value,
    "web_vital.rating": metric.rating,
    "web_vital.id": metric.id,
    "web_vital.navigation_type": metric.navigationType,
  };
  trace
    .getTracer("web-vitals")
    .startSpan(`web-vital ${metric.name}`, { startTime, attributes }, load)
    .setAttributes(page)
    .end(endTime);
}

/** Return the start and the end of the measured time, in milliseconds since the epoch. */
function intervalOf(metric: Metric): [number, number] {
  if (metric.name === "CLS") {
    const now = Date.now();
    return [now, now];
  }
  // INP is measured from its event, everything else from the navigation.
  const offset = metric.name === "INP" ? (metric.entries[0]?.startTime ?? 0) : 0;
  const start = performance.timeOrigin + offset;
  return [start, start + metric.value];
}
