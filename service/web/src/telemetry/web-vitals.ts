import { type Attributes, type Context, trace } from "@opentelemetry/api";
import { type Metric, onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";
import { pageAttributes } from "./page-attributes";

/** Record each web vital as a span within `load`, the context of the document's load. */
export function watchVitals(load: Context): void {
  const loaded = pageAttributes();
  // These say how the page loaded, but come when another may be shown; the others are of the page they come on.
  for (const watch of [onFCP, onLCP, onTTFB]) watch((metric) => recordVital(metric, load, loaded));
  for (const watch of [onCLS, onINP]) watch((metric) => recordVital(metric, load));
}

/** Record `metric` as a span that lasts as long as what it measured; CLS measures no time. */
export function recordVital(metric: Metric, load: Context, page: Attributes = {}): void {
  const [start, end] = interval(metric);
  const attributes = {
    "web_vital.name": metric.name,
    "web_vital.value": metric.value,
    "web_vital.rating": metric.rating,
    "web_vital.id": metric.id,
    "web_vital.navigation_type": metric.navigationType,
  };
  trace
    .getTracer("web-vitals")
    .startSpan(`web-vital ${metric.name}`, { startTime: start, attributes }, load)
    .setAttributes(page)
    .end(end);
}

/** Return when the measured time began and ended, in milliseconds of the wall clock. */
function interval(metric: Metric): [number, number] {
  if (metric.name === "CLS") {
    const now = Date.now();
    return [now, now];
  }
  // An interaction began where its event did; everything else is counted from the navigation.
  const began = metric.name === "INP" ? (metric.entries[0]?.startTime ?? 0) : 0;
  const start = performance.timeOrigin + began;
  return [start, start + metric.value];
}
