// The rows of the X-Ray pane: segments and their embedded subsegments (AWS X-Ray segment documents, Developer Guide).
import type { JsonObject } from "../api";
import { asArray, asNumber, asObject, asText, line, shortPath } from "../text";
import { Fields } from "../ui/fields";
import { inTreeOrder, type Node, type Row } from "./rows";

const MAX_SEGMENTS = 20_000;

interface Item extends Node {
  end: number;
  document: Record<string, unknown>;
  isSegment: boolean;
}

export function segmentRows(documents: readonly JsonObject[]): Row[] {
  return inTreeOrder(flat(documents)).map(({ node, level, parent, descendants }) => ({
    level,
    parent,
    descendants,
    key: node.id,
    link: asText(node.document.id),
    kind: "bar" as const,
    name: line(asText(node.document.name) || "unnamed", 200),
    note: node.isSegment ? line(asText(node.document.origin), 60) : "",
    start: node.start,
    end: node.end,
    colour: node.isSegment ? "var(--xray)" : "var(--xray-soft)",
    failed: node.document.fault === true,
    warned: node.document.fault !== true && (node.document.error === true || node.document.throttle === true),
    badges: badges(node.document, node.isSegment),
    marks: [],
    detail: () => <SegmentDetail document={node.document} />,
    source: own(node.document),
  }));
}

/** The document without its subsegments, which are rows of their own. */
const own = ({ subsegments: _, ...others }: Record<string, unknown>) => others;

function flat(documents: readonly JsonObject[]): Item[] {
  const items: Item[] = [];
  const stack = documents.map((each) => ({ document: asObject(each), parent: asText(each.parent_id), isSegment: asText(each.type) !== "subsegment" }));
  while (stack.length && items.length < MAX_SEGMENTS) {
    const { document, parent, isSegment } = stack.pop()!;
    const id = asText(document.id) || `segment-${items.length}`;
    const start = (asNumber(document.start_time) ?? 0) * 1000;
    items.push({ id, parent, start, end: Math.max(start, (asNumber(document.end_time) ?? 0) * 1000), document, isSegment });
    for (const child of asArray(document.subsegments)) stack.push({ document: asObject(child), parent: id, isSegment: false });
  }
  return items;
}

function badges(document: Record<string, unknown>, isSegment: boolean): string[] {
  const status = asNumber(asObject(asObject(document.http).response).status);
  const states = ["fault", "error", "throttle", "in_progress"].filter((each) => document[each] === true);
  const type = isSegment ? "" : document.sql ? "sql" : line(asText(document.namespace), 12);
  return [...(type ? [type] : []), ...(status === null ? [] : [String(status)]), ...states];
}

function SegmentDetail({ document }: { document: Record<string, unknown> }) {
  const { annotations, metadata, sql, aws, http, cause, service, subsegments, ...others } = document;
  return (
    <>
      <Cause cause={cause} />
      <Fields title="Annotations" of={asObject(annotations)} />
      <Fields title="sql" of={asObject(sql)} />
      <Fields title="aws" of={asObject(aws)} />
      <Fields title="http" of={asObject(http)} />
      <Fields title="Metadata" of={asObject(metadata)} />
      <Fields title="service" of={asObject(service)} />
      <Fields title="Document" of={others} />
      {asArray(subsegments).length > 0 && <p class="more">Its subsegments are the rows below.</p>}
    </>
  );
}

function Cause({ cause }: { cause: unknown }) {
  if (typeof cause === "string") return <p class="failure">The exception {line(cause)} of another segment</p>;
  const exceptions = asArray(asObject(cause).exceptions).map(asObject);
  return (
    <>
      {exceptions.map((each, index) => (
        <section class="cause" key={index}>
          <p class="failure">
            <b>{line(asText(each.type), 120)}</b> {line(asText(each.message))}
          </p>
          <ol class="frames">
            {asArray(each.stack)
              .slice(0, 50)
              .map(asObject)
              .map((frame, place) => (
                <li key={place}>
                  <b>{line(asText(frame.label), 80)}</b> <span title={line(asText(frame.path))}>
                    {shortPath(asText(frame.path))}:{line(asText(frame.line), 12)}
                  </span>
                </li>
              ))}
          </ol>
        </section>
      ))}
    </>
  );
}
