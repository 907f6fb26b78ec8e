// The saved queries: each is run by its button, the only ones of this page that ask the server to do something.
import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { type ApiError, type Json, post } from "../api";
import { traceUrl } from "../router";
import { block, line, time } from "../text";
import { Card, plural, Problem, Table } from "./pieces";
import { asApiError, type Reading } from "./polled";

interface Query {
  key: string;
  product: string;
  name: string;
  text: string;
  is_about_trace: boolean;
}

export interface Queries {
  queries: Query[];
}

interface Result {
  trace_id: string | null;
  milliseconds: number;
  count: number;
  columns: string[];
  rows: Json[][];
}

type Outcome = { running: true } | { running: false; result: Result; at: number } | { running: false; error: ApiError };

/** The results by the query's key, which stay while another page is shown. */
const outcomes = signal<Record<string, Outcome>>({});

const keep = (key: string, outcome: Outcome) => (outcomes.value = { ...outcomes.value, [key]: outcome });

async function run(key: string, traceId: string): Promise<void> {
  if (outcomes.value[key]?.running) return; // the button keeps the focus, which a disabled one would lose
  keep(key, { running: true });
  try {
    const body = new Blob([JSON.stringify({ key, trace_id: traceId })], { type: "application/json" });
    keep(key, { running: false, result: await post<Result>("/stack/queries", body), at: Date.now() });
  } catch (error) {
    keep(key, { running: false, error: asApiError(error) });
  }
}

export function QueriesCard({ reading }: { reading: Reading<Queries> }) {
  return (
    <Card id="queries" title="Saved queries" reading={reading} note="The queries that ship with a deploy, over the last 3 hours. In the terminal, make ask runs them all.">
      {({ queries }) =>
        queries.length === 0 ? (
          <p class="empty-note">The deploy has no saved query.</p>
        ) : (
          <ul class="queries">
            {queries.map((each) => (
              <QueryView key={each.key} query={each} />
            ))}
          </ul>
        )
      }
    </Card>
  );
}

function QueryView({ query }: { query: Query }) {
  const [traceId, setTraceId] = useState("");
  const [isOpen, setOpen] = useState(false);
  const { key, product, name, text, is_about_trace } = query;
  const outcome = outcomes.value[key];
  return (
    <li>
      <div class="query">
        <span class={`product ${product.toLowerCase().replace(/[^a-z]/g, "")}`}>{product}</span>
        <h3>{line(name)}</h3>
        {is_about_trace && (
          <input
            class="trace-input mono"
            aria-label={`Trace id for ${name}`}
            placeholder="trace id; empty: the newest failed request"
            value={traceId}
            maxLength={64}
            onInput={(event) => setTraceId(event.currentTarget.value.trim())}
          />
        )}
        <button type="button" class="button plain" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          Query<Of query={query} />
        </button>
        <button type="button" class="button" aria-disabled={outcome?.running} onClick={() => void run(key, traceId)}>
          {outcome?.running ? "Running …" : outcome ? "Run again" : "Run"}
          <Of query={query} />
        </button>
      </div>
      {isOpen && (
        <pre class="query" tabIndex={0}>
          {block(text)}
        </pre>
      )}
      <div role="status">{outcome && !outcome.running && ("error" in outcome ? <Problem error={outcome.error} /> : <Summary result={outcome.result} at={outcome.at} />)}</div>
      {outcome && "result" in outcome && outcome.result.rows.length > 0 && <Rows name={name} result={outcome.result} />}
    </li>
  );
}

/** Which query a button is for, to those who do not see its row. */
const Of = ({ query: { product, name } }: { query: Query }) => (
  <span class="visually-hidden">
    : {product}, {name}
  </span>
);

function Summary({ result, at }: { result: Result; at: number }) {
  const { count, rows, milliseconds, trace_id } = result;
  return (
    <p class="note">
      {count === 0 ? "No rows" : plural(count, "row")} in {milliseconds} ms, at {time(at)}
      {rows.length < count && `, the first ${rows.length} of them`}
      {trace_id && (
        <>
          , about <a href={traceUrl(trace_id, "")}>{trace_id}</a>
        </>
      )}
      .
    </p>
  );
}

function Rows({ name, result }: { name: string; result: Result }) {
  return (
    <Table label={`Result of ${name}`} head={result.columns.map((each) => line(each))}>
      {result.rows.map((row, index) => (
        <tr key={index}>
          {row.map((value, column) => (
            <td key={column}>
              <Cell column={result.columns[column] ?? ""} value={value} />
            </td>
          ))}
        </tr>
      ))}
    </Table>
  );
}

const HEX = /^[0-9a-f]{32}$/;
const XRAY = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/;
const LONG = 120;

function Cell({ column, value }: { column: string; value: Json }) {
  if (value === null) return <>–</>;
  if (typeof value === "number") return <>{Number(value.toFixed(3))}</>;
  const text = String(value);
  const id = /trace/.test(column) && (HEX.test(text) ? text : XRAY.exec(text)?.slice(1).join(""));
  if (id) return <a href={traceUrl(id, "")} class="mono">{text}</a>;
  if (text.length <= LONG && !text.includes("\n")) return <>{line(text)}</>;
  // The last line of a traceback names the exception.
  return (
    <details class="cell">
      <summary>{line(text.trimEnd().split("\n").at(-1) ?? "", LONG)}</summary>
      <pre tabIndex={0}>{block(text)}</pre>
    </details>
  );
}
