import { Age, bytes, Card, Facts, State, Table, type Tone } from "./pieces";
import type { Reading } from "./polled";

interface Container {
  name: string;
  status: string;
  health: string;
  image: string;
  digest: string;
  exit_code: number | null;
  reason: string;
  memory: string;
  essential: boolean;
  restarted: boolean;
}

interface Task {
  id: string;
  status: string;
  desired_status: string;
  health: string;
  definition: string;
  version: string;
  cpu: string;
  memory: string;
  started: number | null;
  stopped: number | null;
  stopped_reason: string;
  address: string;
  containers: Container[];
}

interface Process {
  pid: number;
  port: number;
  running: boolean;
  started: number | null;
  memory: number | null;
  workers: number;
  definition: string;
  version: string;
  log: string;
}

export interface Service {
  mode: "process" | "containers";
  service: {
    name: string;
    status: string;
    desired: number;
    running: number;
    pending: number;
    deployments: { status: string; rollout: string; reason: string; definition: string; failed: number; updated: number | null }[];
    events: { at: number | null; message: string }[];
  };
  tasks: Task[];
  stopped: Task[];
  process: Process | null;
}

const TONES: Record<string, Tone> = {
  RUNNING: "ok",
  HEALTHY: "ok",
  COMPLETED: "ok",
  ACTIVE: "ok",
  UNHEALTHY: "danger",
  FAILED: "danger",
  STOPPED: "danger",
  UNKNOWN: "quiet",
};

const Word = ({ value }: { value: string }) => (value ? <State tone={TONES[value] ?? "warn"}>{value.toLowerCase()}</State> : <>–</>);

/** Whether what serves is up, for the summary. */
export function serviceTone({ mode, service, process, tasks }: Service): Tone {
  if (mode === "process") return process?.running ? "ok" : "danger";
  const unhealthy = tasks.some((each) => each.health === "UNHEALTHY");
  return unhealthy || service.running === 0 ? "danger" : service.running < service.desired ? "warn" : "ok";
}

export const serviceText = ({ mode, service, process }: Service): string =>
  mode === "process" ? (process?.running ? "running, a process" : "process has exited") : `${service.running} of ${service.desired} tasks running`;

export function ServiceCard({ reading }: { reading: Reading<Service> }) {
  return (
    <Card id="service" title="Service and tasks" reading={reading}>
      {(data) => (
        <>
          {data.mode === "process" && <ProcessFacts process={data.process} />}
          {data.mode === "process" ? (
            <details>
              <summary>What the emulated ECS lists</summary>
              <ServiceView data={data} />
            </details>
          ) : (
            <ServiceView data={data} />
          )}
          {data.stopped.length > 0 && (
            <>
              <h3>Stopped last</h3>
              <ul class="lines">
                {data.stopped.map((each) => (
                  <li key={each.id}>
                    <code>{each.id.slice(0, 8)}</code> <code>{each.definition}</code> <Age at={each.stopped} />: {each.stopped_reason || "no reason given"}
                    {each.containers.filter((one) => one.exit_code !== null).map((one) => ` · ${one.name} exited with ${one.exit_code}${one.reason ? ` (${one.reason})` : ""}`)}
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      )}
    </Card>
  );
}

function ServiceView({ data: { mode, service, tasks } }: { data: Service }) {
  return (
    <>
      <ServiceFacts service={service} />
      {tasks.length === 0 && <p class="empty-note">No task is running. The reasons of those that stopped are below, their output in make logs.</p>}
      {tasks.map((task) => (
        <TaskView key={task.id} task={task} isReal={mode === "containers"} />
      ))}
    </>
  );
}

function ProcessFacts({ process }: { process: Process | null }) {
  if (!process) return <p class="empty-note">No process of the service is recorded: run make up.</p>;
  return (
    <>
      <p class="explain">
        What serves is a process of this machine, with the environment of the deployed task definition. The emulated ECS lists the task and its
        containers, but runs none: their state is what a deploy has recorded.
      </p>
      <Facts
        facts={[
          ["Process", process.running ? <State tone="ok">running, {process.pid}</State> : <State tone="danger">exited: run make up again</State>],
          ["Started", <Age at={process.started} />],
          ["Version", <code>{process.version}</code>],
          ["Task definition", <code>{process.definition}</code>],
          ["Port", <code>{process.port}</code>],
          ["Workers", process.workers],
          ["Memory", bytes(process.memory)],
          ["Output", <code>{process.log}</code>],
        ]}
      />
    </>
  );
}

function ServiceFacts({ service }: { service: Service["service"] }) {
  return (
    <>
      <h3>
        Service <code>{service.name}</code>
      </h3>
      <Facts
        facts={[
          ["Status", <Word value={service.status} />],
          ["Tasks", `${service.running} running, ${service.pending} pending, ${service.desired} desired`],
          ...service.deployments.map((each): [string, preact.ComponentChildren] => [
            each.status === "PRIMARY" ? "Deployment" : `Deployment (${each.status.toLowerCase()})`,
            <span>
              <Word value={each.rollout} /> <code>{each.definition}</code> {each.reason} {each.failed > 0 && `${each.failed} failed tasks`} <Age at={each.updated} />
            </span>,
          ]),
        ]}
      />
      {service.events.length > 0 && (
        <details>
          <summary>Newest events of the service</summary>
          <ul class="lines">
            {service.events.map((each, index) => (
              <li key={index}>
                <Age at={each.at} />: {each.message}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function TaskView({ task, isReal }: { task: Task; isReal: boolean }) {
  return (
    <>
      <h3>
        Task <code title={task.id}>{task.id.slice(0, 8)}</code> {isReal ? <Word value={task.status} /> : <State tone="quiet">listed by ECS</State>}
        {isReal && task.desired_status === "STOPPED" && <State tone="warn">stopping</State>}
        {isReal && task.health && task.health !== "UNKNOWN" && <Word value={task.health} />}
      </h3>
      <Facts
        facts={[
          ["Version", <code>{task.version}</code>],
          ["Task definition", <code>{task.definition}</code>],
          ["Started", <Age at={task.started} />],
          ["CPU, memory", `${task.cpu} units, ${task.memory} MiB`],
          ...(task.address ? ([["Address", <code>{task.address}</code>]] as [string, preact.ComponentChildren][]) : []),
        ]}
      />
      <Table label={`Containers of task ${task.id.slice(0, 8)}`} head={["Container", "Status", "Health", "Essential", "Restart policy", "Memory", "Image"]}>
        {task.containers.map((each) => (
          <tr key={each.name}>
            <th scope="row">{each.name}</th>
            <td class="nowrap">
              {isReal ? <Word value={each.status} /> : "not run"}
              {each.exit_code !== null && ` exit code ${each.exit_code}`}
              {each.reason && <div>{each.reason}</div>}
            </td>
            <td class="nowrap">{isReal ? <Word value={each.health} /> : "–"}</td>
            <td>{each.essential ? "yes" : "no"}</td>
            <td>{each.restarted ? "restarted in place" : "none"}</td>
            <td class="nowrap">{each.memory ? `${each.memory} MiB` : "–"}</td>
            <td>
              <code class="long">{each.image}</code>
              {each.digest && <code class="long">{each.digest}</code>}
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}
