// The rows of the OpenTelemetry waterfall: spans of all services, and the log lines at their moment under their span.
import type { JsonObject } from "../api";
import { asArray, asNumber, asObject, asText, block, line, shortPath, time } from "../text";
import { Fields } from "../ui/fields";
import { lineFields, lineMessage } from "./lines";
import { inTreeOrder, type Node, type Row } from "./rows";
import { isClientError } from "./status";

const COLOURS = 5;
/** Log lines have whole milliseconds: one may seem to be before its span. */
const ROUNDING_MS = 2;

interface Item extends Node {
  end: number;
  span: Record<string, unknown> | null;
  line: JsonObject | null;
}

export interface Service {
  name: string;
  colour: string;
}

export function spanRows(spans: readonly JsonObject[], lines: readonly JsonObject[]): { rows: Row[]; services: Service[] } {
  const services = new Map<string, string>();
  const items = spans.map(spanItem);
  for (const { span } of [...items].sort((one, other) => one.start - other.start)) {
    const name = serviceOf(span!);
    if (!services.has(name)) services.set(name, `var(--span-${(services.size % COLOURS) + 1})`);
  }
  const bounds = new Map(items.map((each) => [each.id, each]));
  items.push(...lines.map((each, index) => lineItem(each, index, bounds)));
  const rows = inTreeOrder(items).map(({ node, level, parent, descendants }) => {
    const place = { level, parent, descendants };
    return node.span ? spanRow(node, node.span, place, services) : lineRow(node, place);
  });
  return { rows, services: [...services].map(([name, colour]) => ({ name, colour })) };
}

const ms = (nanoseconds: unknown) => (asNumber(nanoseconds) ?? 0) / 1e6;

function spanItem(span: JsonObject, index: number): Item {
  const start = ms(span.start_ns);
  return { id: asText(span.span_id) || `span-${index}`, parent: asText(span.parent_span_id), start, end: Math.max(start, ms(span.end_ns)), span, line: null };
}

function lineItem(each: JsonObject, index: number, bounds: Map<string, Item>): Item {
  const parent = asText(lineFields(each).span_id);
  const span = bounds.get(parent);
  let moment = asNumber(each.timestamp) ?? 0;
  if (span && moment < span.start && moment > span.start - ROUNDING_MS) moment = span.start;
  if (span && moment > span.end && moment < span.end + ROUNDING_MS) moment = span.end;
  return { id: `line-${index}`, parent, start: moment, end: moment, span: null, line: each };
}

const serviceOf = (span: Record<string, unknown>): string => asText(asObject(span.resource)["service.name"]) || "unknown service";

type Position = Pick<Row, "level" | "parent" | "descendants">;

function spanRow(item: Item, span: Record<string, unknown>, place: Position, services: Map<string, string>): Row {
  const status = asObject(span.status);
  const events = asArray(span.events).map(asObject);
  const service = serviceOf(span);
  const kind = asText(span.kind);
  const refused = isClientError(asObject(span.attributes)["http.response.status_code"]);
  return {
    ...place,
    key: item.id,
    link: asText(span.span_id),
    kind: "bar",
    name: line(asText(span.name) || "unnamed span", 200),
    note: service,
    start: item.start,
    end: item.end,
    colour: services.get(service) ?? "",
    failed: !refused && asText(status.code) === "error",
    warned: refused,
    badges: kind && kind !== "internal" && kind !== "server" ? [line(kind, 20)] : [],
    marks: events.map((event) => ms(event.time_ns)),
    detail: () => <SpanDetail span={span} events={events} />,
    source: [span.attributes, span.events, span.status, span.span_id],
  };
}

function SpanDetail({ span, events }: { span: Record<string, unknown>; events: Record<string, unknown>[] }) {
  const status = asObject(span.status);
  const links = asArray(span.links).map(asObject);
  return (
    <>
      {asText(status.message) && <p class="failure">{line(asText(status.message))}</p>}
      {events.map((event, index) => (
        <section class="event" key={index}>
          <h3>
            {line(asText(event.name) || "event", 120)} <time>{time(ms(event.time_ns), { precise: true })}</time>
          </h3>
          <Event attributes={asObject(event.attributes)} />
        </section>
      ))}
      <Fields title="Attributes" of={asObject(span.attributes)} />
      {links.map((each, index) => (
        <Fields key={index} title="Link" of={each} />
      ))}
      <Fields title="Resource" of={{ ...asObject(span.resource), scope: span.scope }} />
      <Fields title="Span" of={{ span_id: span.span_id, parent_span_id: span.parent_span_id, kind: span.kind, "status.code": status.code }} />
    </>
  );
}

/** A traceback, at its end, which says what was raised; its paths without their folders. */
function Traceback({ text }: { text: string }) {
  const shown = block(text).replace(/^(\s*File ")([^"]+)"/gm, (_, start: string, path: string) => `${start}${shortPath(path)}"`);
  return (
    <pre class="stack" tabIndex={0} ref={(own) => void (own && (own.scrollTop = own.scrollHeight))}>
      {shown}
    </pre>
  );
}

function Event({ attributes }: { attributes: Record<string, unknown> }) {
  const { "exception.stacktrace": stack, ...others } = attributes;
  return (
    <>
      <Fields of={others} />
      {asText(stack) && <Traceback text={asText(stack)} />}
    </>
  );
}

function lineRow(item: Item, place: Position): Row {
  const fields = lineFields(item.line!);
  const level = asText(fields.level);
  const refused = isClientError(fields.status);
  return {
    ...place,
    key: item.id,
    link: asText(fields.span_id),
    kind: "point",
    name: line(lineMessage(item.line!)),
    note: "log line",
    start: item.start,
    end: item.end,
    colour: "var(--cloudwatch)",
    failed: !refused && (level === "ERROR" || level === "CRITICAL"),
    warned: refused || level === "WARNING",
    badges: [],
    marks: [],
    detail: () => <LineDetail item={item.line!} />,
    source: fields,
  };
}

export function LineDetail({ item }: { item: JsonObject }) {
  const { exception, ...others } = lineFields(item);
  const known = Object.keys(others).length > 0;
  return (
    <>
      {asText(exception) && <Traceback text={asText(exception)} />}
      {known ? (
        <Fields of={others} />
      ) : (
        <pre class="stack" tabIndex={0}>
          {block(asText(item.message))}
        </pre>
      )}
      <Fields of={{ stream: item.stream }} />
    </>
  );
}
