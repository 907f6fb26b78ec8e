/** Return the content of the document's `<meta name="…">`, or an empty string where there is none. */
function metaContent(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content.trim() ?? "";
}

/** Return the deployed version of the service, which it writes into the page. */
export function serviceVersion(): string {
  return metaContent("service-version") || "unknown";
}

/** Return whether the service relays spans: where it does not, the page exports none. */
export function isRelayOn(): boolean {
  return metaContent("browser-relay") !== "off";
}

/** Return the URL of a trace's page, by its id of 32 hex digits; undefined where the service names none. */
export function traceUrl(traceId: string): string | undefined {
  const template = metaContent("trace-url");
  if (!template) return undefined;
  const xrayTraceId = `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`;
  return template.replaceAll("{trace_id}", traceId).replaceAll("{xray_trace_id}", xrayTraceId);
}

/** Return the URL that API paths are appended to: the page's own origin unless the page names a backend. */
export function backendUrl(): string {
  return (metaContent("backend-url") || location.origin).replace(/\/+$/, "");
}
