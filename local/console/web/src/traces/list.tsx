// The requests, newest or slowest first, with the filter above them.
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../icon";
import { focusOnceDrawn } from "../keyboard";
import { filter, navigate, traceId, traceUrl } from "../router";
import { count, duration, line, time } from "../text";
import { Virtual } from "../ui/virtual";
import { PLACE_LABELS, PLACES, type Request } from "./document";
import { Chip, Facets } from "./facets";
import { hasTerm, toggleTerm } from "./filter";
import { EVERYTHING, imported, leftOut, listed, loaded, loadMore, paused, problem, removeImported, requests, shownTerms, SLOWEST, total, unknown } from "./requests";
import { isClientError, Status } from "./status";

const ROW_HEIGHT = 54;
const TYPING_MS = 250;

const QUICK: [string, string][] = [
  ["2xx", "status:2xx"],
  ["4xx", "status:4xx"],
  ["5xx", "status:5xx"],
  ["has error", "place:rollbar"],
  ["slow", "duration:>200ms"],
];

export function List({ onImport }: { onImport: () => void }) {
  const shown = listed.value;
  const selected = traceId.value;
  const tabStop = [...imported.value, ...shown].some((each) => each.trace_id === selected) ? selected : (imported.value[0] ?? shown[0])?.trace_id;
  const order = hasTerm(SLOWEST) ? "slowest" : "newest";
  const row = (request: Request) => <Entry request={request} selected={request.trace_id === selected} isTabStop={request.trace_id === tabStop} />;
  return (
    <section class="list" aria-label="Requests">
      <FilterBox />
      <div class="list-head">
        <span role="status">{amount()}</span>
        <span class="bar-space" />
        <button type="button" class="button small" onClick={() => navigate(traceUrl(selected, toggleTerm(SLOWEST)))} title={order === "newest" ? "Order by duration instead" : "Order by time instead"}>
          {order === "newest" ? "Newest" : "Slowest"} first
        </button>
        <button type="button" class="icon-button" onClick={onImport} aria-label="Import" title="Import OTLP JSON or X-Ray JSON (i); a file can be dropped on the page too">
          <Icon name="upload" />
        </button>
        <button type="button" class="icon-button" onClick={() => (paused.value = !paused.value)} aria-label={paused.value ? "Resume" : "Pause"} title={paused.value ? "Update the list again (p)" : "Stop to update the list (p)"}>
          <Icon name={paused.value ? "play" : "pause"} />
        </button>
      </div>
      {imported.value.length > 0 && <Imported row={row} />}
      {shown.length === 0 ? (
        <Nothing />
      ) : (
        <Virtual
          class="requests"
          items={shown}
          keyOf={(request) => request.trace_id}
          estimate={ROW_HEIGHT}
          role="list"
          label={`Requests, ${order} first`}
          target={{ key: selected, token: selected ? Number.parseInt(selected.slice(-8), 16) : 0 }}
          onEnd={() => void loadMore()}
          row={(request, index) => (
            <div role="listitem" aria-setsize={total.value} aria-posinset={index + 1}>
              {row(request)}
            </div>
          )}
        />
      )}
      <LeftOut />
    </section>
  );
}

function amount(): string {
  const [shown, all] = [requests.value.length, Math.max(total.value, requests.value.length)];
  return shown < all ? `${shown.toLocaleString("en")} of ${all.toLocaleString("en")}` : count(all, "request");
}

function Imported({ row }: { row: (request: Request) => preact.JSX.Element }) {
  return (
    <section class="imported" aria-labelledby="imported-title">
      <header>
        <h2 id="imported-title">Imported ({imported.value.length.toLocaleString("en")})</h2>
        <span class="bar-space" />
        <button type="button" class="plain" onClick={() => void removeImported()}>
          Remove
        </button>
      </header>
      <ul>
        {imported.value.map((each) => (
          <li key={each.trace_id}>{row(each)}</li>
        ))}
      </ul>
    </section>
  );
}

/** Health checks and static files, which are no request of anybody's. */
function LeftOut() {
  const everything = hasTerm(EVERYTHING);
  if (!everything && leftOut.value === 0) return null;
  return (
    <p class="left-out">
      {everything ? "With health checks and static files." : `${leftOut.value.toLocaleString("en")} hidden: health checks and static files.`}{" "}
      <a href={traceUrl(traceId.value, toggleTerm(EVERYTHING))}>{everything ? "Hide them" : "Show"}</a>
    </p>
  );
}

function Entry({ request, selected, isTabStop }: { request: Request; selected: boolean; isTabStop: boolean }) {
  return (
    <a class="request" tabIndex={isTabStop ? 0 : -1} href={traceUrl(request.trace_id)} aria-current={selected ? "true" : undefined} data-trace={request.trace_id}>
      <Status status={request.status} />
      <span class="what">
        <span class="method">{line(request.method ?? "", 12)}</span> {line(request.path ?? request.route ?? request.trace_id, 120)}
      </span>
      <span class="took">{request.duration_ms === null ? "" : duration(request.duration_ms)}</span>
      <span class="who">
        <time>{time(request.started * 1000)}</time>
        {request.user && <span>{line(request.user, 40)}</span>}
        {request.exception && <em class={isClientError(request.status) ? "warn" : ""}>{line(request.exception, 80)}</em>}
      </span>
      <span class="spots" title={PLACES.filter((place) => request.places.includes(place)).map((place) => PLACE_LABELS[place]).join(", ")}>
        {PLACES.map((place) => (
          <i key={place} class={request.places.includes(place) ? place : ""} />
        ))}
      </span>
    </a>
  );
}

function Nothing() {
  if (!loaded.value) return <p class="empty">Reading…</p>;
  if (!filter.value) return <p class="empty">{problem.value ? "" : leftOut.value ? "No request yet but those that are hidden." : "No request yet. Send one to the service: it is here within a second."}</p>;
  return (
    <div class="empty">
      <p>
        No request matches. <a href={traceUrl(traceId.value, "")}>Clear the filter</a>
      </p>
      {unknown.value.map(({ term, key, nearest }) => (
        <p key={term}>
          No request has the attribute <code>{line(key, 60)}</code>.
          {nearest && (
            <>
              {" "}
              Did you mean{" "}
              <a href={traceUrl(traceId.value, filter.value.replace(`${key}:`, `${nearest}:`))}>
                <code>{line(nearest, 60)}</code>
              </a>
              ?
            </>
          )}
        </p>
      ))}
    </div>
  );
}

export const filterBoxId = "filter";

/** Leave the box to the first request that matches, once they are there. */
function focusFirst(): void {
  const terms = filter.value;
  focusOnceDrawn(() => (shownTerms.value === terms && !problem.value ? document.querySelector<HTMLElement>(".list .request") : null));
}

function FilterBox() {
  const [text, setText] = useState(filter.value);
  const [open, setOpen] = useState(false);
  const timer = useRef(0);
  useEffect(() => setText(filter.value), [filter.value]);
  const apply = (value: string) => {
    clearTimeout(timer.current);
    navigate(traceUrl(traceId.value, value.trim()), { replace: true });
  };
  const input = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => apply(value), TYPING_MS);
  };
  const onKey = (event: preact.TargetedKeyboardEvent<HTMLInputElement>) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      apply(text);
      focusFirst();
    } else if (event.key === "Escape") {
      event.preventDefault();
      setText("");
      apply("");
      event.currentTarget.blur();
    }
  };
  const error = problem.value;
  return (
    <search class="request-filter">
      <div class={`filter-box${error?.status === 422 ? " refused" : ""}`}>
        <Icon name="search" />
        <input
          id={filterBoxId}
          type="search"
          value={text}
          placeholder="status:5xx route:/api/* user: …"
          aria-label="Filter"
          aria-describedby="filter-problem"
          aria-invalid={error?.status === 422}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => input(event.currentTarget.value)}
          onKeyDown={onKey}
        />
        <button type="button" class="icon-button" aria-expanded={open} aria-label="More filters" title="More filters" onClick={() => setOpen(!open)}>
          <span class={`twist${open ? " down" : ""}`}>
            <Icon name="chevron" />
          </span>
        </button>
      </div>
      <p id="filter-problem" class={`filter-problem${error?.status === 200 ? " of-place" : ""}`} role="alert">
        {error && (
          <>
            {line(error.message)}. <span>{line(error.remedy)}</span>
          </>
        )}
      </p>
      <div class="chips">
        {QUICK.map(([label, term]) => (
          <Chip key={term} label={label} term={term} />
        ))}
      </div>
      {open && <Facets />}
    </search>
  );
}
