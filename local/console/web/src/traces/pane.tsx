// The frame of a pane: what it holds, its JSON one click away, its size, and why it is empty.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../icon";
import { block, count, line } from "../text";
import { Copy } from "../ui/copy";
import { PLACE_LABELS, type Absence, type Place, type PlaceContent } from "./document";
import { expanded, toggleExpanded } from "./trace";

const NOUNS: Record<Place, string> = { honeycomb: "span", xray: "document", cloudwatch: "line", rollbar: "item" };
const HARMLESS = ["no-error", "not-in-file"];
const ARRIVING = ["queued", "not-yet-arrived"];

export function Pane({ place, content, legend, children }: { place: Place; content: PlaceContent | undefined; legend?: ComponentChildren; children: () => ComponentChildren }) {
  const [raw, setRaw] = useState(false);
  const items = content?.items ?? [];
  const whole = expanded.value === place;
  if (expanded.value && !whole) return null;
  return (
    <section class={`pane ${place}`} id={`pane-${place}`} aria-labelledby={`title-${place}`}>
      <header>
        <h2 id={`title-${place}`}>{PLACE_LABELS[place]}</h2>
        {items.length > 0 && <span class="amount">{count(items.length, NOUNS[place])}</span>}
        {legend}
        <span class="bar-space" />
        {content?.url && (
          <a class="icon-button" href={content.url} target="_blank" rel="noreferrer" aria-label={`Open in ${PLACE_LABELS[place]}`} title="Open in the product">
            <Icon name="external" />
          </a>
        )}
        {items.length > 0 && (
          <>
            {raw && <Copy text={() => JSON.stringify(items, null, 2)} label={`Copy the JSON of ${PLACE_LABELS[place]}`} />}
            <button type="button" class="icon-button" aria-pressed={raw} aria-label={`JSON of ${PLACE_LABELS[place]}`} title="Raw JSON" onClick={() => setRaw(!raw)}>
              <Icon name="braces" />
            </button>
          </>
        )}
        <button type="button" class="icon-button expander" aria-pressed={whole} aria-label={`Only ${PLACE_LABELS[place]}`} title={whole ? "All four panes" : "Only this pane"} onClick={() => toggleExpanded(place)}>
          <Icon name={whole ? "shrink" : "expand"} />
        </button>
      </header>
      {items.length === 0 ? <Missing absence={content?.absence ?? null} place={place} /> : raw ? <Raw items={items} /> : children()}
    </section>
  );
}

function Raw({ items }: { items: unknown[] }) {
  return (
    <pre class="raw" tabIndex={0}>
      {block(JSON.stringify(items, null, 2))}
    </pre>
  );
}

export function Missing({ absence, place }: { absence: Absence | null; place: Place }) {
  const reason = absence?.reason ?? "unexplained";
  const tone = HARMLESS.includes(reason) ? "harmless" : ARRIVING.includes(reason) ? "arriving" : "missing";
  return (
    <div class={`absence ${tone}`} data-reason={reason}>
      <Icon name={tone === "missing" ? "error" : tone === "arriving" ? "auto" : "check"} />
      <p class="why">{absence ? line(absence.message) : `${PLACE_LABELS[place]} has nothing of this trace.`}</p>
      {absence?.remedy && <p class="remedy">{line(absence.remedy)}</p>}
      {tone === "missing" && <code class="reason">{reason}</code>}
    </div>
  );
}
