import { bytes, count, plural, State, Table, type Tone } from "../stack/pieces";
import { line } from "../text";
import { Chart, clock, figure } from "./chart";
import { BUCKET, latest, type Series, type Sink, total } from "./readings";

interface SinkProps {
  name: string;
  /** Of each worker that answers. */
  sinks: Sink[];
  series: Series;
}

const LABELS: Record<string, string> = {
  honeycomb: "Honeycomb",
  browser: "Honeycomb, spans from browsers",
  xray: "X-Ray",
  cloudwatch: "CloudWatch Logs",
  rollbar: "Rollbar",
  console: "Standard output",
};

/** Why items were dropped, by the health check's names (docs/telemetry.md). */
const REASONS: Record<string, string> = {
  full: "the queue was full",
  failed: "unsent at exit",
  refused: "refused by the product",
  repeated: "many of one cause",
};

const sum = (sinks: Sink[], name: "queued" | "capacity" | "queued_bytes" | "max_bytes" | "delivered") => sinks.reduce((all, each) => all + (each[name] ?? 0), 0);

const distinct = (texts: string[]) => [...new Set(texts.filter(Boolean))];

/** How a sink is, in a word. */
export function SinkState({ sinks, series }: SinkProps) {
  const [tone, text] = stateOf(sinks, series);
  return <State tone={tone}>{text}</State>;
}

function stateOf(sinks: Sink[], series: Series): [Tone, string] {
  if (sinks.every((each) => !each.on)) return ["quiet", "off"];
  if (sinks.some((each) => each.unauthorized)) return ["danger", "export suspended"];
  if (isStuck(sinks, series)) return ["danger", "delivers nothing"];
  const lost = sinks.reduce((all, each) => all + total(each.dropped), 0);
  return lost > 0 ? ["warn", `on, ${count(lost)} dropped`] : ["ok", "on"];
}

const STUCK = 15 / BUCKET;

/** Whether items have waited, and none was delivered, for 15 s in which the last delivery had failed. */
function isStuck(sinks: Sink[], { delivered, queued }: Series): boolean {
  const end = delivered.length - 1; // the last bucket is not over
  const waited = queued.slice(end - STUCK, end).every((each) => each !== null && each > 0);
  return waited && delivered.slice(end - STUCK, end).every((each) => each === 0) && sinks.some((each) => each.last_error);
}

export function SinkCard({ name, sinks, series }: SinkProps) {
  const isOff = sinks.every((each) => !each.on);
  return (
    <section class="card sink" aria-labelledby={`sink-${name}`}>
      <header>
        <h2 id={`sink-${name}`} tabIndex={-1}>
          {LABELS[name] ?? name} <SinkState name={name} sinks={sinks} series={series} />
        </h2>
        {distinct(sinks.map((each) => each.because)).map((each) => (
          <p key={each} class="note">
            Off, because {line(each)}.
          </p>
        ))}
      </header>
      <Errors sinks={sinks} />
      {!isOff && <Figures sinks={sinks} series={series} />}
      {!isOff && (
        <div class="charts">
          <Chart label="Delivered" times={series.times} values={series.delivered} kind="delivered" unit=" a second" />
          <Chart label="Queued" times={series.times} values={series.queued} kind="queued" unit="" />
          <Chart label="Dropped" times={series.times} values={series.dropped} kind="dropped" unit=" a second" />
        </div>
      )}
      {!isOff && <Readings name={LABELS[name] ?? name} series={series} />}
    </section>
  );
}

function Errors({ sinks }: { sinks: Sink[] }) {
  const unauthorized = distinct(sinks.map((each) => each.unauthorized));
  const errors = distinct(sinks.map((each) => each.last_error)).filter((each) => !unauthorized.includes(each));
  return (
    <>
      {unauthorized.map((each) => (
        <div key={each} class="problem" role="alert">
          <b>The product rejects our credentials: export is suspended, and tried again every 5 minutes.</b>
          <span>{line(each)}</span>
        </div>
      ))}
      {errors.map((each) => (
        <div key={each} class="problem mild">
          <b>Last error</b>
          <span>{line(each)}</span>
        </div>
      ))}
    </>
  );
}

function Figures({ sinks, series }: { sinks: Sink[]; series: Series }) {
  const queued = sum(sinks, "queued");
  const capacity = sum(sinks, "capacity");
  const used = Math.max(queued / (capacity || 1), sum(sinks, "queued_bytes") / (sum(sinks, "max_bytes") || 1));
  const rate = latest(series.delivered);
  const reasons = new Map<string, number>();
  for (const { dropped } of sinks) for (const [reason, lost] of Object.entries(dropped)) reasons.set(reason, (reasons.get(reason) ?? 0) + lost);
  const lost = [...reasons].filter(([, value]) => value > 0);
  return (
    <dl class="facts">
      <div>
        <dt>Delivered since the start</dt>
        <dd>
          {count(sum(sinks, "delivered"))} {rate !== null && <span class="note">{figure(rate)} a second now</span>}
        </dd>
      </div>
      <div>
        <dt>Queue</dt>
        <dd>
          {count(queued)} of {count(capacity)} items, {bytes(sum(sinks, "queued_bytes"))} of {bytes(sum(sinks, "max_bytes"))}
          <meter min={0} max={1} low={0.5} high={0.8} optimum={0} value={used} aria-label={`Queue, ${Math.round(used * 100)} % full`} />
        </dd>
      </div>
      <div>
        <dt>Dropped since the start</dt>
        <dd>
          {lost.length === 0 ? (
            "nothing"
          ) : (
            <ul>
              {lost.map(([reason, value]) => (
                <li key={reason}>
                  <State tone="warn">{count(value)}</State> {reason}
                  <span class="note"> {REASONS[reason] ?? ""}</span>
                </li>
              ))}
            </ul>
          )}
        </dd>
      </div>
    </dl>
  );
}

const ROWS = 30_000 / 1000 / BUCKET;

/** The charts' figures in steps of 30 s. */
function Readings({ name, series }: { name: string; series: Series }) {
  const rows: { time: number; delivered: number | null; queued: number | null; dropped: number | null }[] = [];
  for (let end = series.times.length; end > 0; end -= ROWS) {
    const part = (values: (number | null)[]) => values.slice(Math.max(0, end - ROWS), end).filter((each) => each !== null);
    const mean = (values: (number | null)[]) => (part(values).length ? part(values).reduce((all, each) => all + each, 0) / part(values).length : null);
    rows.push({
      time: series.times[end - 1] ?? 0,
      delivered: mean(series.delivered),
      queued: part(series.queued).length ? Math.max(...part(series.queued)) : null,
      dropped: mean(series.dropped),
    });
  }
  const read = rows.filter((each) => each.delivered !== null || each.queued !== null);
  const cell = (value: number | null) => (value === null ? "not read" : figure(value));
  return (
    <details>
      <summary>The same as a table, {plural(read.length, "row")}</summary>
      <Table label={`Readings of ${name}`} head={["30 s until", "Delivered a second", "Queued, at most", "Dropped a second"]}>
        {read.map((each) => (
          <tr key={each.time}>
            <th scope="row">{clock(each.time)}</th>
            <td>{cell(each.delivered)}</td>
            <td>{cell(each.queued)}</td>
            <td>{cell(each.dropped)}</td>
          </tr>
        ))}
      </Table>
    </details>
  );
}

export const sinkLabel = (name: string): string => LABELS[name] ?? name;
