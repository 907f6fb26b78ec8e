// Terms to choose from: what the listed requests have most often, and the attributes of all.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, get } from "../api";
import { navigate, traceId, traceUrl } from "../router";
import { line } from "../text";
import type { Request } from "./document";
import { hasTerm, toggleTerm } from "./filter";
import { problem, requests } from "./requests";

const FACETS = 6;

interface Attribute {
  key: string;
  requests: number;
  values: string[];
}

const attributes = signal<readonly Attribute[]>([]);

export function Chip({ label, term }: { label: string; term: string }) {
  return (
    <button type="button" class="chip" aria-pressed={hasTerm(term)} title={line(term)} onClick={() => navigate(traceUrl(traceId.value, toggleTerm(term)))}>
      {line(label, 40)}
    </button>
  );
}

export function Facets() {
  useEffect(() => void readAttributes(), []);
  const groups: [string, [string, string][]][] = [
    ["Method", most((each) => each.method, "method")],
    ["Route", most((each) => each.route, "route")],
    ["User", most((each) => each.user, "user")],
    ["Duration", ["50ms", "200ms", "1s"].map((each) => [`> ${each}`, `duration:>${each}`])],
    ["Time", ["1m", "10m", "1h"].map((each) => [`last ${each}`, `since:${each}`])],
  ];
  return (
    <div class="facets">
      <dl>{groups.map(([name, chips]) => chips.length > 0 && <Facet key={name} name={name} chips={chips} />)}</dl>
      {attributes.value.length > 0 && (
        <dl class="attributes">
          {attributes.value.map(({ key, values }) => (
            <Facet key={key} name={key} chips={values.filter(Boolean).map((each) => [each, `${key}:${each}`])} />
          ))}
        </dl>
      )}
    </div>
  );
}

function Facet({ name, chips }: { name: string; chips: [string, string][] }) {
  return (
    <div>
      <dt title={line(name)}>{line(name, 60)}</dt>
      <dd>
        {chips.map(([label, term]) => (
          <Chip key={term} label={label} term={term} />
        ))}
      </dd>
    </div>
  );
}

async function readAttributes(): Promise<void> {
  try {
    attributes.value = (await get<{ attributes: Attribute[] }>("/attributes")).attributes;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    problem.value = error;
  }
}

function most(of: (request: Request) => string | null, name: string): [string, string][] {
  const counts = new Map<string, number>();
  for (const each of requests.value) {
    const value = of(each);
    if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const sorted = [...counts].sort((one, other) => other[1] - one[1]).slice(0, FACETS);
  return sorted.map(([value]) => [value, `${name}:${value}`]);
}
