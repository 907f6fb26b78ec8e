import { Card, count, State, Table } from "./pieces";
import type { Reading } from "./polled";

interface Window {
  at: number;
  matched: number;
  sampled: number;
}

interface Rule {
  name: string;
  priority: number;
  rate: number;
  reservoir: number;
  service: string;
  service_type: string;
  host: string;
  method: string;
  path: string;
  attributes: Record<string, string>;
  is_fallback: boolean;
  matched: number;
  sampled: number;
  windows: Window[];
}

export interface Sampling {
  window: number;
  rules: Rule[];
  local_rule: Rule | null;
}

const MINUTES = 10;

export function SamplingCard({ reading }: { reading: Reading<Sampling> }) {
  return (
    <Card
      id="sampling"
      title="Sampling rules"
      reading={reading}
      note={`In the order in which they are tried: the first that matches decides. The counts are those that the service has reported to X-Ray in the last ${MINUTES} minutes, every 10 s.`}
    >
      {({ rules, local_rule, window: seconds }) => (
        <>
          <Table label="Sampling rules" head={["Priority", "Rule", "Matches", "Reservoir", "Then", "Matched", "Sampled", "Reservoir use", "Matched, per 10 s"]}>
            {rules.map((each) => (
              <tr key={each.name}>
                <td>{each.priority}</td>
                <th scope="row">
                  {each.name} {each.is_fallback && <State tone="quiet">fallback</State>}
                </th>
                <td>
                  <Matches rule={each} />
                </td>
                <td class="nowrap">{each.reservoir} a second</td>
                <td class="nowrap">{percent(each.rate)} of the rest</td>
                <td>{count(each.matched)}</td>
                <td class="nowrap">
                  {count(each.sampled)}
                  {each.matched > 0 && <span class="note"> {percent(each.sampled / each.matched)}</span>}
                </td>
                <td class="nowrap">{reservoirUse(each, seconds)}</td>
                <td>
                  <Bars rule={each} seconds={seconds} />
                </td>
              </tr>
            ))}
          </Table>
          <p class="explain">
            {rules.some((each) => each.is_fallback) ? "The rule Default is the fallback: it decides for what no other rule matches. " : "X-Ray's rule Default, the fallback, is missing. "}
            Failed and slow requests are kept whatever a rule says.{" "}
            {local_rule
              ? `While the service cannot fetch these rules, its own decides: ${local_rule.reservoir} a second, then ${percent(local_rule.rate)} of the rest, in each worker.`
              : "The task definition has no rule for the time in which the service cannot fetch these."}
          </p>
        </>
      )}
    </Card>
  );
}

const percent = (share: number): string => `${Number((share * 100).toFixed(share < 0.1 ? 1 : 0))} %`;

/** How much of the reservoir the sampled requests of the last window can have used, at most. */
function reservoirUse(rule: Rule, seconds: number): string {
  if (rule.reservoir === 0) return "no reservoir";
  const last = rule.windows.at(-1);
  const isRecent = last !== undefined && Date.now() / 1000 - last.at < 3 * seconds;
  const used = isRecent ? Math.min(last.sampled, rule.reservoir * seconds) : 0;
  return `${used} of ${rule.reservoir * seconds} in 10 s`;
}

function Matches({ rule }: { rule: Rule }) {
  const patterns: [string, string][] = [
    ["service", rule.service],
    ["type", rule.service_type],
    ["host", rule.host],
    ["method", rule.method],
    ["path", rule.path],
    ...Object.entries(rule.attributes),
  ];
  const limiting = patterns.filter(([, pattern]) => pattern !== "*");
  if (limiting.length === 0) return <>every request</>;
  return (
    <ul class="patterns">
      {limiting.map(([name, pattern]) => (
        <li key={name}>
          {name} <code>{pattern}</code>
        </li>
      ))}
    </ul>
  );
}

const BARS = 60;
const WIDTH = 180;
const HEIGHT = 28;

/** The matched requests of each window, the sampled ones in the accent colour. */
function Bars({ rule, seconds }: { rule: Rule; seconds: number }) {
  const end = Math.floor(Date.now() / 1000 / seconds);
  const most = Math.max(1, ...rule.windows.map((each) => each.matched));
  const label = `Requests that ${rule.name} matched in each 10 s of the last ${MINUTES} minutes, ${rule.matched} in all, ${most} at most`;
  return (
    <svg class="bars" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <line x1="0" y1={HEIGHT - 0.5} x2={WIDTH} y2={HEIGHT - 0.5} class="axis" />
      {rule.windows.map((each) => {
        const x = (BARS - 1 - (end - Math.floor(each.at / seconds))) * (WIDTH / BARS);
        const matched = (each.matched / most) * (HEIGHT - 2);
        const sampled = (each.sampled / most) * (HEIGHT - 2);
        return (
          <g key={each.at}>
            <rect x={x} y={HEIGHT - 1 - matched} width={2.2} height={matched} class="matched" />
            <rect x={x} y={HEIGHT - 1 - sampled} width={2.2} height={sampled} class="sampled" />
          </g>
        );
      })}
    </svg>
  );
}
