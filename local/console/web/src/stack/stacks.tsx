import { useState } from "preact/hooks";
import { navigate, query } from "../router";
import { Age, Card, plural, safeUrl, State, Table, type Tone } from "./pieces";
import type { Reading } from "./polled";

interface Resource {
  type: string;
  logical_id: string;
  physical_id: string;
  status: string;
  reason: string;
  updated: number | null;
}

interface Stack {
  name: string;
  status: string | null;
  reason: string;
  created?: number | null;
  updated?: number | null;
  outputs: { key: string; value: string; description: string; url: string | null }[];
  resources: Resource[];
}

export interface Stacks {
  stacks: Stack[];
}

function statusTone(status: string | null): Tone {
  if (status === null || /FAILED|ROLLBACK/.test(status)) return "danger";
  return status.endsWith("_COMPLETE") ? "ok" : "warn";
}

export const stacksTone = ({ stacks }: Stacks): Tone => {
  const tones = stacks.map((each) => statusTone(each.status));
  return tones.includes("danger") ? "danger" : tones.includes("warn") ? "warn" : "ok";
};

export const stacksText = ({ stacks }: Stacks): string =>
  `${stacks.filter((each) => statusTone(each.status) === "ok").length} of ${stacks.length} complete`;

export function StacksCard({ reading }: { reading: Reading<Stacks> }) {
  const [terms, setTerms] = useState(query("resources"));
  const filter = (value: string) => {
    setTerms(value);
    navigate(value ? `/stack?resources=${encodeURIComponent(value)}` : "/stack", { replace: true });
  };
  return (
    <Card id="stacks" title="Stacks" reading={reading}>
      {({ stacks }) => (
        <>
          <label class="filter">
            Filter resources by type, id or status
            <input type="search" value={terms} onInput={(event) => filter(event.currentTarget.value)} placeholder="AWS::Logs, Alarm, FAILED …" />
          </label>
          {stacks.map((each) => (
            <StackView key={each.name} stack={each} terms={terms} />
          ))}
        </>
      )}
    </Card>
  );
}

function StackView({ stack, terms }: { stack: Stack; terms: string }) {
  const words = terms.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = stack.resources.filter((each) => {
    const text = `${each.type} ${each.logical_id} ${each.physical_id} ${each.status}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return (
    <>
      <h3>
        {stack.name} <State tone={statusTone(stack.status)}>{stack.status ?? "not deployed"}</State>
        <span class="note">
          {stack.reason} {stack.updated ? <>updated <Age at={stack.updated} /></> : null}
        </span>
      </h3>
      {stack.outputs.length > 0 && (
        <details>
          <summary>{plural(stack.outputs.length, "output")}</summary>
          <dl class="facts wide">
            {stack.outputs.map((each) => (
              <div key={each.key}>
                <dt>{each.key}</dt>
                <dd>
                  <Output value={each.value} url={each.url} />
                  {each.description && <span class="note"> {each.description}</span>}
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
      {stack.resources.length > 0 && (
        <details open={words.length > 0}>
          <summary>
            {words.length > 0 ? `${shown.length} of ` : ""}
            {plural(stack.resources.length, "resource")}
          </summary>
          {shown.length === 0 ? (
            <p class="empty-note">No resource matches “{terms}”.</p>
          ) : (
            <Table label={`Resources of ${stack.name}`} head={["Type", "Logical id", "Physical id", "Status", "Updated"]}>
              {shown.map((each) => (
                <tr key={each.logical_id}>
                  <td class="nowrap">{each.type}</td>
                  <th scope="row">
                    <code class="long">{each.logical_id}</code>
                  </th>
                  <td>
                    <code class="long">{each.physical_id}</code>
                  </td>
                  <td class="nowrap">
                    <State tone={statusTone(each.status)}>{each.status}</State>
                    {each.reason && <div>{each.reason}</div>}
                  </td>
                  <td class="nowrap">
                    <Age at={each.updated} />
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </details>
      )}
    </>
  );
}

/** The value; a link leads to what has it on this machine, else to the address that it is. */
function Output({ value, url }: { value: string; url: string | null }) {
  const address = safeUrl(url ?? value);
  const text = <code class="long">{value}</code>;
  if (!address) return text;
  const isHere = address.startsWith("/");
  return (
    <>
      <a href={address} target={isHere ? undefined : "_blank"} rel="noreferrer">
        {text}
      </a>
      {url !== null && <span class="note"> opens {isHere ? "this console's traces" : url} here</span>}
      {url === null && /\.aws\.amazon\.com\//.test(address) && <span class="note"> AWS's console, which does not show the emulator</span>}
    </>
  );
}
