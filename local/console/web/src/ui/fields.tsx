// Names and values of any JSON, as text.
import { block, count, line, valueText } from "../text";

const MAX_FIELDS = 200;
const MAX_DEPTH = 4;

export function Fields({ title, of }: { title?: string; of: Record<string, unknown> }) {
  const entries = flat(of);
  if (entries.length === 0) return null;
  return (
    <section class="fields">
      {title && <h3>{title}</h3>}
      <dl>
        {entries.slice(0, MAX_FIELDS).map(([name, value]) => (
          <div key={name}>
            <dt>{line(name, 120)}</dt>
            <dd class={typeof value === "string" ? "text" : "literal"}>{block(valueText(value))}</dd>
          </div>
        ))}
      </dl>
      {entries.length > MAX_FIELDS && <p class="more">and {count(entries.length - MAX_FIELDS, "more field")}: see the JSON</p>}
    </section>
  );
}

/** The names of nested objects joined by dots. */
function flat(of: Record<string, unknown>, prefix = "", depth = 0): [string, unknown][] {
  return Object.entries(of).flatMap(([name, value]): [string, unknown][] => {
    const nested = typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    return nested && depth < MAX_DEPTH ? flat(value as Record<string, unknown>, `${prefix}${name}.`, depth + 1) : [[prefix + name, value]];
  });
}
