import { afterEach, expect, it } from "vitest";
import { traceIdWithCopyButton } from "../../src/views/trace-id";

const TRACE_ID = "6b0c91a3d64afda242c5571cbdbc1849";
const XRAY_TRACE_ID = "1-6b0c91a3-d64afda242c5571cbdbc1849";

function setTraceUrl(content: string): void {
  document.head.innerHTML = `<meta name="trace-url" content="${content}">`;
}

afterEach(() => {
  document.head.innerHTML = "";
});

it.each([
  ["http://127.0.0.1:5000/traces/{trace_id}", `http://127.0.0.1:5000/traces/${TRACE_ID}`],
  ["https://aws.example/#xray:traces/{xray_trace_id}", `https://aws.example/#xray:traces/${XRAY_TRACE_ID}`],
])("links a trace id to %s", (template, url) => {
  setTraceUrl(template);
  const link = traceIdWithCopyButton(TRACE_ID).querySelector("a");
  expect(link?.getAttribute("href")).toBe(url);
  expect(link?.getAttribute("rel")).toBe("noopener");
  expect(link?.querySelector("code")?.textContent).toBe(TRACE_ID);
});

it("shows a trace id without a link where the service names no page of it", () => {
  setTraceUrl("");
  const shown = traceIdWithCopyButton(TRACE_ID);
  expect(shown.querySelector("a")).toBeNull();
  expect(shown.querySelector("code")?.textContent).toBe(TRACE_ID);
});
