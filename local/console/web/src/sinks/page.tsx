// The health of each sink over time, as the workers of the service tell it themselves.
import "../stack/stack.css";
import "./sinks.css";
import { useCallback, useRef, useState } from "preact/hooks";
import { type ApiError, get } from "../api";
import { Age, count, Problem, State, Table } from "../stack/pieces";
import { asApiError, usePolling } from "../stack/polled";
import { line } from "../text";
import { clock } from "./chart";
import { type Answer, isAlive, type Sample, seriesOf, type Silence, silences, total, type Worker } from "./readings";
import { SinkCard, sinkLabel, SinkState } from "./sink";

const POLL_SECONDS = 2;
/** In the order of the traces page; others follow. */
const ORDER = ["honeycomb", "browser", "xray", "cloudwatch", "rollbar", "console"];

interface State_ {
  answer: Answer | undefined;
  samples: Sample[];
  error: ApiError | undefined;
}

/** Read what is new since the last answer, and keep what is not older than the window. */
function useSinks(): State_ {
  const [state, setState] = useState<State_>({ answer: undefined, samples: [], error: undefined });
  const kept = useRef<Sample[]>([]);
  usePolling(
    useCallback(async (signal) => {
      try {
        const after = kept.current.at(-1)?.at ?? 0;
        const answer = await get<Answer>(`/sinks?after=${after}`, signal);
        kept.current = [...kept.current, ...answer.readings].filter((each) => each.at > answer.now - answer.window);
        setState({ answer, samples: kept.current, error: undefined });
      } catch (error) {
        if (!signal.aborted) setState((last) => ({ ...last, error: asApiError(error) }));
      }
    }, []),
    POLL_SECONDS,
  );
  return state;
}

export function SinksPage() {
  const { answer, samples, error } = useSinks();
  if (!answer) return <div class="sections">{error ? <Problem error={error} /> : <p class="empty">Reading the service …</p>}</div>;
  const gaps = silences(samples);
  const alive = answer.workers.filter((each) => isAlive(each, answer, gaps));
  // Of a service that has stopped, what its last workers told.
  const workers = alive.length > 0 ? alive : answer.workers.slice(-1);
  const names = [...new Set(workers.flatMap((each) => Object.keys(each.sinks)))].sort((one, other) => rank(one) - rank(other));
  const sinks = names.map((name) => ({
    name,
    sinks: workers.flatMap((each) => each.sinks[name] ?? []),
    series: seriesOf(samples, name, answer.now, answer.window),
  }));
  return (
    <div class="sections">
      <h1 class="visually-hidden">Sinks</h1>
      <nav class="summary" aria-label="Sinks">
        {sinks.map((each) => (
          <a key={each.name} href={`#sink-${each.name}`} onClick={(event) => jump(event, `sink-${each.name}`)}>
            <span>{sinkLabel(each.name)}</span>
            <SinkState {...each} />
          </a>
        ))}
      </nav>
      <div class="cards">
        <Reachability answer={answer} alive={alive} gaps={gaps} error={error} />
        {sinks.map((each) => (
          <SinkCard key={each.name} {...each} />
        ))}
        {answer.workers.length > 0 && <Workers answer={answer} gaps={gaps} />}
      </div>
    </div>
  );
}

const rank = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

function jump(event: MouseEvent, id: string): void {
  event.preventDefault();
  const title = document.getElementById(id);
  title?.scrollIntoView({ block: "start" });
  title?.focus({ preventScroll: true });
}

/** Whether the service answers, and what it said when it did not. */
function Reachability({ answer, alive, gaps, error }: { answer: Answer; alive: Worker[]; gaps: Silence[]; error: ApiError | undefined }) {
  const ongoing = gaps.filter((each) => answer.now - each.to < 3 * answer.interval + 2);
  const unusable = new Map(alive.flatMap((each) => Object.entries(each.unusable_variables ?? {})));
  return (
    <section class="card" aria-labelledby="service-title">
      <header>
        <h2 id="service-title">
          Service{" "}
          {alive.length > 0 ? (
            <State tone="ok">{alive.length === 1 ? "1 worker answers" : `${alive.length} workers answer`}</State>
          ) : (
            <State tone="danger">does not answer</State>
          )}
        </h2>
        <p class="note">
          Read at {answer.targets.join(", ") || "no address"}, past the load balancer, every {answer.interval} s while this page is open. What is grey in a chart was not read.{answer.leaves_traces && " Each reading leaves a trace, as the deployed health check has another path: so it is read rarely."}
        </p>
      </header>
      {error && <Problem error={error} since={answer.now * 1000} />}
      {answer.problem && (
        <div class="problem mild" role="alert">
          <b>The list of targets may be out of date.</b>
          <span>{answer.problem}</span>
        </div>
      )}
      {alive.length === 0 && ongoing.length === 0 && <p class="empty-note">No worker has been read yet.</p>}
      {[...new Set(ongoing.map((each) => each.reason))].map((reason) => (
        <div key={reason} class="problem" role="alert">
          <b>{line(reason)}.</b>
          <span>{answer.workers.length > 0 ? "Below is what its last worker told. " : ""}See make status and make logs; make up starts it again.</span>
        </div>
      ))}
      {[...unusable].map(([name, reason]) => (
        <div key={name} class="problem mild">
          <b>The value of {name} cannot be used.</b>
          <span>{line(String(reason))}</span>
        </div>
      ))}
      {gaps.length > 0 && (
        <details>
          <summary>Not readable in the last ten minutes</summary>
          <ul class="lines">
            {gaps.map((each) => (
              <li key={`${each.address}${each.from}`}>
                {clock(each.from)}
                {each.to > each.from && ` to ${clock(each.to)}`}: {each.reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Workers({ answer, gaps }: { answer: Answer; gaps: Silence[] }) {
  return (
    <section class="card" aria-labelledby="workers-title">
      <header>
        <h2 id="workers-title">Workers</h2>
        <p class="note">Each counts from its own start. Several answer in turn, so a figure is as old as its row says.</p>
      </header>
      <Table label="Workers" head={["Worker", "State", "Version", "Read", "Threads busy", "Waiting", "Sampling rules", "Kept, failed or slow", "Relay: accepted, dropped, refused"]}>
        {answer.workers
          .map((each) => ({ each, isUp: isAlive(each, answer, gaps) }))
          .reverse()
          .map(({ each, isUp }) => (
            <tr key={each.id}>
              <th scope="row">
                <code class="long">{each.id}</code>
              </th>
              <td class="nowrap">{isUp ? <State tone="ok">answers</State> : <State tone="quiet">gone</State>}</td>
              <td>
                <code>{each.version}</code>
              </td>
              <td class="nowrap">
                <Age at={each.last} />
              </td>
              <td>{each.threads ? `${each.threads.threads_busy} of ${each.threads.threads_total}` : "–"}</td>
              <td class="nowrap">{each.threads ? `${each.threads.requests_waiting}, ${each.threads.queue_seconds} s` : "–"}</td>
              <td class="nowrap">{each.sampling?.source === "x-ray" ? "X-Ray's" : "its own, until X-Ray's are fetched"}</td>
              <td>
                {count(each.sampling?.kept_failed_or_slow ?? 0)}
                {(each.sampling?.over_limit ?? 0) > 0 && `, ${count(each.sampling?.over_limit ?? 0)} over the limit`}
              </td>
              <td>{each.relay ? [each.relay.accepted_spans ?? 0, total(each.relay.dropped ?? {}), total(each.relay.refused ?? {})].map(count).join(", ") : "off"}</td>
            </tr>
          ))}
      </Table>
      {answer.workers.at(-1)?.instrumentations && (
        <details>
          <summary>Instrumentations of the newest worker</summary>
          <dl class="facts">
            {Object.entries(answer.workers.at(-1)?.instrumentations ?? {}).map(([name, state]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{String(state)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}
