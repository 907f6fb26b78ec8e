// Alarms, secrets, log groups and X-Ray groups.
import { Age, bytes, Card, plural, State, Table, type Tone } from "./pieces";
import type { Reading } from "./polled";

interface Alarm {
  name: string;
  state: string;
  reason: string;
  since: number | null;
  condition: string;
  description: string;
}

export interface Alarms {
  alarms: Alarm[];
}

const ALARM_TONES: Record<string, Tone> = { OK: "ok", ALARM: "danger", INSUFFICIENT_DATA: "quiet" };
const ALARM_WORDS: Record<string, string> = { OK: "ok", ALARM: "in alarm", INSUFFICIENT_DATA: "insufficient data" };

const firing = ({ alarms }: Alarms) => alarms.filter((each) => each.state === "ALARM").length;
const unevaluated = ({ alarms }: Alarms) => alarms.filter((each) => each.state === "INSUFFICIENT_DATA").length;

export const alarmsTone = (data: Alarms): Tone => (firing(data) > 0 ? "danger" : unevaluated(data) === data.alarms.length ? "quiet" : "ok");
export const alarmsText = (data: Alarms): string =>
  `${firing(data)} of ${data.alarms.length} in alarm${unevaluated(data) > 0 ? `, ${unevaluated(data)} without data` : ""}`;

export function AlarmsCard({ reading }: { reading: Reading<Alarms> }) {
  return (
    <Card id="alarms" title="Alarms" reading={reading}>
      {({ alarms }) =>
        alarms.length === 0 ? (
          <p class="empty-note">The stacks have no alarm.</p>
        ) : (
          <Table label="Alarms" head={["Alarm", "State", "Since", "Fires when", "Reason of the state"]}>
            {alarms.map((each) => (
              <tr key={each.name}>
                <th scope="row">
                  <details>
                    <summary>{each.name}</summary>
                    <p class="explain">{each.description}</p>
                  </details>
                </th>
                <td class="nowrap">
                  <State tone={ALARM_TONES[each.state] ?? "warn"}>{ALARM_WORDS[each.state] ?? each.state}</State>
                </td>
                <td class="nowrap">
                  <Age at={each.since} />
                </td>
                <td class="text">{each.condition}</td>
                <td class="text">{each.reason || "–"}</td>
              </tr>
            ))}
          </Table>
        )
      }
    </Card>
  );
}

export interface Secrets {
  secrets: { name: string; variable: string; state: string; changed: number | null }[];
}

const SECRET_STATES: Record<string, [Tone, string]> = {
  set: ["ok", "set"],
  fake: ["ok", "set, to this machine's fake key"],
  placeholder: ["warn", "placeholder: what needs it is off"],
  empty: ["warn", "without a value"],
  missing: ["danger", "missing"],
  deleted: ["danger", "scheduled for deletion"],
};

const isSet = (state: string) => state === "set" || state === "fake";
export const secretsTone = ({ secrets }: Secrets): Tone => (secrets.every((each) => isSet(each.state)) ? "ok" : "warn");
export const secretsText = ({ secrets }: Secrets): string => `${secrets.filter((each) => isSet(each.state)).length} of ${secrets.length} set`;

export function SecretsCard({ reading }: { reading: Reading<Secrets> }) {
  return (
    <Card id="secrets" title="Secrets" reading={reading} note="Their values stay in the server, which compares them with the placeholder.">
      {({ secrets }) => (
        <Table label="Secrets" head={["Secret", "State", "Changed"]}>
          {secrets.map((each) => {
            const [tone, text] = SECRET_STATES[each.state] ?? ["quiet", each.state];
            return (
              <tr key={each.name}>
                <th scope="row">
                  <code class="long">{each.name}</code>
                  <div class="note">{each.variable}</div>
                </th>
                <td>
                  <State tone={tone}>{text}</State>
                </td>
                <td class="nowrap">
                  <Age at={each.changed} />
                </td>
              </tr>
            );
          })}
        </Table>
      )}
    </Card>
  );
}

export interface LogGroups {
  log_groups: {
    name: string;
    exists: boolean;
    retention_days: number | null;
    stored_bytes: number | null;
    metric_filters: number | null;
    is_service: boolean;
  }[];
}

export function LogGroupsCard({ reading }: { reading: Reading<LogGroups> }) {
  return (
    <Card id="log-groups" title="Log groups" reading={reading}>
      {({ log_groups }) => (
        <Table label="Log groups" head={["Log group", "Retention", "Stored", "Metric filters"]}>
          {log_groups.map((each) => (
            <tr key={each.name}>
              <th scope="row">
                <code class="long">{each.name}</code>
                {each.is_service && <div class="note">the application's lines</div>}
                {!each.exists && <State tone="danger">deleted since the deploy: run make down, then make up</State>}
              </th>
              <td class="nowrap">{each.exists ? (each.retention_days === null ? "for ever" : plural(each.retention_days, "day")) : "–"}</td>
              <td class="nowrap">{bytes(each.stored_bytes)}</td>
              <td>{each.metric_filters ?? "–"}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

export interface XrayGroups {
  groups: { name: string; filter: string; insights: boolean }[];
}

export function XrayGroupsCard({ reading }: { reading: Reading<XrayGroups> }) {
  return (
    <Card id="xray-groups" title="X-Ray groups" reading={reading}>
      {({ groups }) =>
        groups.length === 0 ? (
          <p class="empty-note">The stacks have no X-Ray group.</p>
        ) : (
          <Table label="X-Ray groups" head={["Group", "Filter expression", "Insights"]}>
            {groups.map((each) => (
              <tr key={each.name}>
                <th scope="row">{each.name}</th>
                <td>
                  <code class="long">{each.filter || "every trace"}</code>
                </td>
                <td>{each.insights ? "on" : "off"}</td>
              </tr>
            ))}
          </Table>
        )
      }
    </Card>
  );
}
