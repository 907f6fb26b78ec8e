// One trace in four panes, with the id that they share in the middle.
import { useEffect, useMemo } from "preact/hooks";
import { deployment } from "../deployment";
import { Icon } from "../icon";
import { navigate, traceUrl } from "../router";
import { count, duration, line, shortPath, time } from "../text";
import { Copy } from "../ui/copy";
import { causeOf, type Cause as CauseOf } from "./cause";
import { PLACE_LABELS, PLACES, SHORT_LABELS, type Place, type Request, type Trace } from "./document";
import { addTerm } from "./filter";
import { sought } from "./find";
import { Lines } from "./lines-pane";
import { choose } from "./links";
import { Missing, Pane } from "./pane";
import { Items } from "./rollbar-pane";
import { axisOf } from "./rows";
import { segmentRows } from "./segments";
import { spanRows } from "./spans";
import { Status } from "./status";
import { Timeline } from "./timeline";
import { expanded, problem, refreshing, toggleExpanded, trace } from "./trace";

/** The reason that all four places have where none has anything. */
const UNKNOWN = "unknown-trace";

export function Detail() {
  if (!trace.value) return <Waiting />;
  return <Panes trace={trace.value} key={trace.value.trace_id} />;
}

function Waiting() {
  const error = problem.value;
  if (!error) return <p class="empty">{refreshing.value ? "Reading the four places…" : "Select a request."}</p>;
  return (
    <div class="absence missing" role="alert">
      <Icon name="error" />
      <h1 class="why">{line(error.message)}</h1>
      <p class="remedy">{line(error.remedy)}</p>
      <a class="button" href={traceUrl("")}>
        All traces
      </a>
    </div>
  );
}

function Panes({ trace }: { trace: Trace }) {
  const { honeycomb, xray, cloudwatch, rollbar } = trace.places;
  const lines = cloudwatch?.items ?? [];
  const unknown = PLACES.every((place) => trace.places[place]?.absence?.reason === UNKNOWN);
  const spans = useMemo(() => spanRows(honeycomb?.items ?? [], lines), [trace]);
  const segments = useMemo(() => segmentRows(xray?.items ?? []), [trace]);
  const cause = useMemo(() => causeOf(trace), [trace]);
  useEffect(() => () => void (sought.value = ""), []);
  // One axis for both, so that the same thing is at the same place.
  const axis = useMemo(() => axisOf([...spans.rows, ...segments]), [spans, segments]);
  return (
    <article class={`trace${expanded.value ? " one" : ""}${rollbar?.items.length ? " failed" : ""}`} aria-label={`Trace ${trace.trace_id}`}>
      <Summary trace={trace} span={axis.end - axis.start} />
      {cause && <Cause cause={cause} />}
      {unknown && <Missing absence={honeycomb!.absence} place="honeycomb" />}
      <div class="panes" hidden={unknown}>
        <Pane
          place="honeycomb"
          content={honeycomb}
          legend={
            <span class="legend">
              {spans.services.map(({ name, colour }) => (
                <span key={name}>
                  <i style={{ background: colour }} />
                  {line(name, 40)}
                </span>
              ))}
            </span>
          }
        >
          {() => <Timeline rows={spans.rows} axis={axis} label="Spans and log lines" hasFind />}
        </Pane>
        <Pane place="xray" content={xray}>
          {() => <Timeline rows={segments} axis={axis} label="Segments and subsegments" hasFind={!honeycomb?.items.length} />}
        </Pane>
        <Hub trace={trace} />
        <Pane place="cloudwatch" content={cloudwatch}>
          {() => <Lines items={lines} />}
        </Pane>
        <Pane place="rollbar" content={rollbar}>
          {() => <Items items={rollbar?.items ?? []} />}
        </Pane>
      </div>
    </article>
  );
}

/** The exception, and where it was raised: a click leads to it. */
function Cause({ cause }: { cause: CauseOf }) {
  const show = () => {
    if (expanded.value && expanded.value !== cause.place) expanded.value = null;
    choose(cause.link);
    requestAnimationFrame(() => {
      const pane = document.getElementById(`pane-${cause.place}`);
      pane?.scrollIntoView({ block: "nearest" });
      pane?.querySelector<HTMLElement>(".items, .chosen > .row-line, .chosen > .line-head, .row-line, .line-head")?.focus({ preventScroll: true });
    });
  };
  return (
    <button type="button" class="cause-line" onClick={show} title={`Show it in ${PLACE_LABELS[cause.place]}`}>
      <Icon name="error" />
      <span>
        <b>{line(cause.type, 120)}</b>
        {cause.message && `: ${line(cause.message, 300)}`}
      </span>
      {cause.file && (
        <code title={line(cause.file)}>
          {shortPath(cause.file)}
          {cause.lineno && `:${line(cause.lineno, 12)}`}
        </code>
      )}
    </button>
  );
}

/** The id that all four share, in both formats. */
function Hub({ trace }: { trace: Trace }) {
  return (
    <div class="hub" role="group" aria-label="The shared trace id">
      <div class="ids">
        <span>
          <code class="id">{trace.trace_id}</code>
          <Copy text={trace.trace_id} label="Copy the trace id" />
        </span>
        <span>
          <code class="id">{trace.xray_trace_id}</code>
          <Copy text={trace.xray_trace_id} label="Copy the X-Ray trace id" />
        </span>
      </div>
      <ul>
        {PLACES.map((place) => (
          <Spot key={place} place={place} items={trace.places[place]?.items.length ?? 0} reason={trace.places[place]?.absence?.reason} />
        ))}
      </ul>
    </div>
  );
}

function Spot({ place, items, reason }: { place: Place; items: number; reason: string | undefined }) {
  const state = items > 0 ? "there" : reason === "no-error" || reason === "not-in-file" ? "unneeded" : "missing";
  const text = items > 0 ? String(items) : (reason ?? "unexplained").replaceAll("-", " ");
  return (
    <li>
      <button type="button" class={`spot ${place} ${state}`} aria-pressed={expanded.value === place} onClick={() => toggleExpanded(place)} title={`Only ${PLACE_LABELS[place]} (${PLACES.indexOf(place) + 1})`}>
        <i />
        {SHORT_LABELS[place]} <b>{text}</b>
      </button>
    </li>
  );
}

function Summary({ trace, span }: { trace: Trace; span: number }) {
  const request = trace.request;
  return (
    <header class="trace-head">
      <a class="icon-button back" href={traceUrl("")} aria-label="Back to the list">
        <Icon name="back" />
      </a>
      {request?.status != null && <Status status={request.status} />}
      <h1>
        {request?.method && <span class="method">{line(request.method, 12)}</span>} {line(request?.path ?? request?.route ?? trace.trace_id, 160)}
      </h1>
      <Facts request={request} span={span} />
      <span class="bar-space" />
      <span class={`refreshing${refreshing.value ? " on" : ""}`} role="status">
        {refreshing.value ? "arriving" : ""}
      </span>
      <div class="actions">
        <Copy text={() => location.href} label="Copy the address of this page">
          Link
        </Copy>
        {request && <Copy text={() => curlOf(request)} label="Copy a curl command that repeats the request">curl</Copy>}
        <a class="button" href={`/api/traces/${trace.trace_id}/otlp.json`} download={`trace-${trace.trace_id}-otlp.json`} title="Export as OTLP JSON">
          <Icon name="download" />
          OTLP
        </a>
        <a class="button" href={`/api/traces/${trace.trace_id}/xray.json`} download={`trace-${trace.trace_id}-xray.json`} title="Export as X-Ray JSON">
          <Icon name="download" />
          X-Ray
        </a>
        <Copy text={() => JSON.stringify(trace, null, 2)} label="Copy the JSON of all four places">
          JSON
        </Copy>
      </div>
    </header>
  );
}

function Facts({ request, span }: { request: Request | null; span: number }) {
  if (!request) return null;
  const terms: [string, string, string | null][] = [
    ["route", request.route ?? "", request.route && request.route !== request.path ? `route:${request.route}` : null],
    ["user", request.user ?? "", request.user && `user:${request.user}`],
  ];
  return (
    <dl class="request-facts">
      <div>
        <dt>duration</dt>
        <dd>{duration(request.duration_ms ?? span)}</dd>
      </div>
      <div>
        <dt>at</dt>
        <dd>{time(request.started * 1000, { precise: true })}</dd>
      </div>
      {terms.map(
        ([name, value, term]) =>
          term && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <button type="button" class="plain" title={`Filter by ${term}`} onClick={() => navigate(traceUrl(request.trace_id, addTerm(term)))}>
                  {line(value, 60)}
                </button>
              </dd>
            </div>
          ),
      )}
      {(request.sample_rate ?? 1) > 1 && (
        <div>
          <dt>stands for</dt>
          <dd>{count(Math.round(request.sample_rate!), "request")}</dd>
        </div>
      )}
    </dl>
  );
}

/** Only the method and the address: headers and bodies are not recorded. */
function curlOf(request: Request): string {
  const url = (deployment.value.url ?? "").replace(/\/$/, "") + (request.path ?? "/");
  const method = /^[A-Z]+$/.test(request.method ?? "") && request.method !== "GET" ? ` -X ${request.method}` : "";
  return `curl -i${method} '${url.replaceAll("'", "%27")}'`;
}
