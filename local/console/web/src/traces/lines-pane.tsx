// The log lines of a trace, oldest first.
import { useState } from "preact/hooks";
import type { JsonObject } from "../api";
import { asNumber, asText, line, time } from "../text";
import { Virtual } from "../ui/virtual";
import { lineFields, lineMessage } from "./lines";
import { choose, chosen, markOf, point } from "./links";
import { LineDetail } from "./spans";

const ROW_HEIGHT = 26;
const LEVELS: Record<string, string> = { ERROR: "danger", CRITICAL: "danger", WARNING: "warn" };

interface Item {
  key: string;
  link: string;
  content: JsonObject;
}

export function Lines({ items }: { items: JsonObject[] }) {
  // Until somebody opens or closes one, the first line with a traceback is open.
  const [own, setOwn] = useState<ReadonlySet<string> | null>(null);
  const rows: Item[] = items.map((content, index) => ({ key: `line-${index}`, link: asText(lineFields(content).span_id), content }));
  const raised = rows.find((row) => asText(lineFields(row.content).exception));
  const open = own ?? new Set(raised && [raised.key]);
  const { key: chosenKey, token } = chosen.value;
  const target = chosenKey ? rows.find((row) => row.link === chosenKey) : undefined;
  const toggle = (row: Item) => {
    const next = new Set(open);
    if (!next.delete(row.key)) next.add(row.key);
    setOwn(next);
    if (row.link) choose(row.link);
  };
  return (
    <Virtual
      class="log-lines"
      items={rows}
      keyOf={(row) => row.key}
      estimate={ROW_HEIGHT}
      role="list"
      label="Log lines"
      target={target && { key: target.key, token }}
      row={(row, index) => (
        <div role="listitem" aria-setsize={rows.length} aria-posinset={index + 1} class={`line${markOf(row.link)}`} onMouseEnter={() => point(row.link)} onMouseLeave={() => point("")}>
          <button type="button" class="line-head" aria-expanded={open.has(row.key)} onClick={() => toggle(row)} onFocus={() => point(row.link)}>
            <Line content={row.content} />
          </button>
          {open.has(row.key) && (
            <div class="detail">
              <LineDetail item={row.content} />
            </div>
          )}
        </div>
      )}
    />
  );
}

function Line({ content }: { content: JsonObject }) {
  const fields = lineFields(content);
  const level = line(asText(fields.level) || "TEXT", 10);
  return (
    <>
      <time>{time(asNumber(content.timestamp) ?? NaN, { precise: true })}</time>
      <span class={`level ${LEVELS[level] ?? ""}`}>{level}</span>
      <span class="message">
        {line(lineMessage(content))}
        {asText(fields.exception) && <em> {line(lastLine(asText(fields.exception)), 200)}</em>}
      </span>
      <span class="logger">{line(asText(fields.logger), 60)}</span>
    </>
  );
}

const lastLine = (text: string) => text.trimEnd().split("\n").pop() ?? "";
