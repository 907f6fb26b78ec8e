// The deployed stack as it is. Each section is read by itself, so that one that cannot be read costs no other.
import "./stack.css";
import { type Alarms, AlarmsCard, alarmsText, alarmsTone, type LogGroups, LogGroupsCard, type Secrets, SecretsCard, secretsText, secretsTone, type XrayGroups, XrayGroupsCard } from "./telemetry";
import { type LoadBalancer, LoadBalancerCard, targetsText, targetsTone } from "./load_balancer";
import { Problem, SharedProblem, State, type Tone } from "./pieces";
import type { ApiError } from "../api";
import { type Reading, usePolled } from "./polled";
import { type Queries, QueriesCard } from "./queries";
import { type Sampling, SamplingCard } from "./sampling";
import { type Service, ServiceCard, serviceText, serviceTone } from "./service";
import { type Stacks, StacksCard, stacksText, stacksTone } from "./stacks";

export function StackPage() {
  const service = usePolled<Service>("/stack/service", 4);
  const loadBalancer = usePolled<LoadBalancer>("/stack/load-balancer", 4);
  const sampling = usePolled<Sampling>("/stack/sampling", 5);
  const alarms = usePolled<Alarms>("/stack/alarms", 10);
  const secrets = usePolled<Secrets>("/stack/secrets", 5);
  const stacks = usePolled<Stacks>("/stack/stacks", 10);
  const logGroups = usePolled<LogGroups>("/stack/log-groups", 10);
  const xrayGroups = usePolled<XrayGroups>("/stack/xray-groups", 30);
  const queries = usePolled<Queries>("/stack/queries", 60);
  const shared = sharedError([service, loadBalancer, sampling, alarms, secrets, stacks, logGroups, xrayGroups, queries]);
  return (
    <div class="sections">
      <h1 class="visually-hidden">Stack</h1>
      {shared && <Problem error={shared} />}
      <nav class="summary" aria-label="Sections">
        <Link to="service" label="Service" reading={service} tone={serviceTone} text={serviceText} />
        <Link to="load-balancer" label="Load balancer" reading={loadBalancer} tone={targetsTone} text={targetsText} />
        <Link to="alarms" label="Alarms" reading={alarms} tone={alarmsTone} text={alarmsText} />
        <Link to="secrets" label="Secrets" reading={secrets} tone={secretsTone} text={secretsText} />
        <Link to="stacks" label="Stacks" reading={stacks} tone={stacksTone} text={stacksText} />
        <Link to="sampling" label="Sampling" reading={sampling} tone={() => "quiet"} text={({ rules }) => `${rules.length} rules`} />
        <Link to="queries" label="Queries" reading={queries} tone={() => "quiet"} text={({ queries: all }) => `${all.length} saved`} />
      </nav>
      <SharedProblem.Provider value={shared?.message ?? ""}>
        <div class="cards">
          <ServiceCard reading={service} />
          <LoadBalancerCard reading={loadBalancer} />
          <SecretsCard reading={secrets} />
          <SamplingCard reading={sampling} />
          <AlarmsCard reading={alarms} />
          <QueriesCard reading={queries} />
          <LogGroupsCard reading={logGroups} />
          <XrayGroupsCard reading={xrayGroups} />
          <StacksCard reading={stacks} />
        </div>
      </SharedProblem.Provider>
    </div>
  );
}

/** The error of at least two sections, as when the emulator has died. */
function sharedError(readings: Reading<unknown>[]): ApiError | undefined {
  const errors = readings.flatMap((each) => each.error ?? []);
  return errors.find(({ message }) => errors.filter((each) => each.message === message).length > 1);
}

interface LinkProps<T> {
  to: string;
  label: string;
  reading: Reading<T>;
  tone: (data: T) => Tone;
  text: (data: T) => string;
}

function Link<T>({ to, label, reading: { data, error }, tone, text }: LinkProps<T>) {
  const show = (event: MouseEvent) => {
    event.preventDefault();
    const section = document.getElementById(to);
    section?.scrollIntoView({ block: "start" });
    section?.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
  };
  return (
    <a href={`#${to}`} onClick={show}>
      <span>{label}</span>
      {error ? <State tone="danger">cannot be read</State> : data === undefined ? <State tone="quiet">reading</State> : <State tone={tone(data)}>{text(data)}</State>}
    </a>
  );
}
