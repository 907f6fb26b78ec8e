import { Card, Facts, State, Table, type Tone } from "./pieces";
import type { Reading } from "./polled";

export interface LoadBalancer {
  name: string;
  state: string;
  scheme: string;
  dns_name: string;
  url: string;
  health_check: {
    path: string;
    matcher: string;
    interval: number | null;
    timeout: number | null;
    healthy_after: number | null;
    unhealthy_after: number | null;
    is_repeated: boolean;
  };
  targets: { id: string; port: number | null; state: string; reason: string; description: string }[];
}

const TONES: Record<string, Tone> = { healthy: "ok", initial: "warn", draining: "warn", unhealthy: "danger" };

const healthy = (data: LoadBalancer) => data.targets.filter((each) => each.state === "healthy").length;

export const targetsTone = (data: LoadBalancer): Tone =>
  healthy(data) === 0 ? "danger" : data.targets.some((each) => each.state === "unhealthy") ? "warn" : "ok";

export const targetsText = (data: LoadBalancer): string =>
  data.targets.length === 0 ? "no target" : `${healthy(data)} of ${data.targets.length} targets healthy`;

export function LoadBalancerCard({ reading }: { reading: Reading<LoadBalancer> }) {
  return (
    <Card id="load-balancer" title="Load balancer" reading={reading}>
      {(data) => (
        <>
          <Facts
            facts={[
              ["Name", <code class="long">{data.name}</code>],
              ["State", <State tone={data.state === "active" ? "ok" : "warn"}>{data.state}</State>],
              ["Address here", <a href={data.url} target="_blank" rel="noreferrer">{data.url}</a>],
              ["Scheme", data.scheme],
              [
                "Health check",
                <span>
                  <code>GET {data.health_check.path}</code> must answer {data.health_check.matcher}
                  {data.health_check.is_repeated
                    ? `, every ${data.health_check.interval} s within ${data.health_check.timeout} s; healthy after ${data.health_check.healthy_after}, unhealthy after ${data.health_check.unhealthy_after}`
                    : ". Made once, before a process gets its requests: it is not repeated"}
                </span>,
              ],
            ]}
          />
          {data.targets.length === 0 ? (
            <p class="empty-note">The target group has no target, so each request is answered with 503: see the tasks above.</p>
          ) : (
            <Table label="Targets" head={["Target", "Health", "Reason"]}>
              {data.targets.map((each) => (
                <tr key={`${each.id}:${each.port}`}>
                  <th scope="row">
                    <code>
                      {each.id}:{each.port}
                    </code>
                  </th>
                  <td>
                    <State tone={TONES[each.state] ?? "quiet"}>{each.state}</State>
                  </td>
                  <td>{[each.reason, each.description].filter(Boolean).join(": ") || "–"}</td>
                </tr>
              ))}
            </Table>
          )}
        </>
      )}
    </Card>
  );
}
