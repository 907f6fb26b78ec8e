// The items of Rollbar ("Create an item", Rollbar's API reference): exception, stack with locals, person, request.
import { useState } from "preact/hooks";
import type { JsonObject } from "../api";
import { asArray, asNumber, asObject, asText, block, count, line, shortPath, time } from "../text";
import { Fields } from "../ui/fields";
import { LIBRARY } from "./cause";
import { choose, markOf, point } from "./links";

const MAX_FRAMES = 100;

export function Items({ items }: { items: JsonObject[] }) {
  return (
    <div class="items" tabIndex={0} role="region" aria-label="Rollbar items">
      {items.map((item, index) => (
        <Item key={asText(item.uuid) || index} item={item} />
      ))}
    </div>
  );
}

function Item({ item }: { item: JsonObject }) {
  const custom = asObject(item.custom);
  const link = asText(custom.span_id);
  const body = asObject(item.body);
  const chain = body.trace_chain ? asArray(body.trace_chain).map(asObject) : body.trace ? [asObject(body.trace)] : [];
  const level = line(asText(item.level) || "error", 12);
  return (
    <article class={`item${markOf(link)}`} onMouseEnter={() => point(link)} onMouseLeave={() => point("")}>
      <button type="button" class="item-head" onClick={() => choose(link)} onFocus={() => point(link)} disabled={!link} title="Show its span in each pane">
        <span class={`level ${level === "warning" ? "warn" : level === "info" || level === "debug" ? "" : "danger"}`}>{level}</span>
        <Headline chain={chain} body={body} />
        <time>{time((asNumber(item.timestamp) ?? NaN) * 1000)}</time>
      </button>
      {chain.map((each, index) => (
        <Stack key={index} trace={each} isCause={index > 0} />
      ))}
      <Fields title="Person" of={asObject(item.person)} />
      <Fields title="Request" of={requestOf(item)} />
      <Fields title="Custom" of={custom} />
      <Fields title="Item" of={{ uuid: item.uuid, context: item.context, environment: item.environment, code_version: item.code_version, language: item.language, server: item.server }} />
    </article>
  );
}

function Headline({ chain, body }: { chain: Record<string, unknown>[]; body: Record<string, unknown> }) {
  const exception = asObject(chain[0]?.exception);
  const message = asText(asObject(body.message).body);
  return (
    <span class="headline">
      <b>{line(asText(exception.class) || message || "Item", 200)}</b> {line(asText(exception.message))}
    </span>
  );
}

function requestOf(item: JsonObject): Record<string, unknown> {
  const { method, url, user_ip, headers, GET, POST, files_keys: files, ...others } = asObject(item.request);
  const given = (value: unknown) => (Object.keys(asObject(value)).length ? value : undefined);
  const fields = { method, url, user_ip, ...others, headers, GET: given(GET), POST: given(POST), files: asArray(files).length ? files : undefined };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function Stack({ trace, isCause }: { trace: Record<string, unknown>; isCause: boolean }) {
  const [all, setAll] = useState(false);
  // Rollbar's are oldest call first; the one that raised is what people look for.
  const frames = asArray(trace.frames).map(asObject).reverse().slice(0, MAX_FRAMES);
  const own = frames.filter((frame, index) => index === 0 || !LIBRARY.test(asText(frame.filename)));
  const shown = all ? frames : own;
  const exception = asObject(trace.exception);
  return (
    <section class="stack-of">
      {isCause && (
        <p class="failure">
          Caused by <b>{line(asText(exception.class), 120)}</b> {line(asText(exception.message))}
        </p>
      )}
      <ol class="frames">
        {shown.map((frame, index) => (
          <Frame key={index} frame={frame} />
        ))}
      </ol>
      {frames.length > own.length && (
        <button type="button" class="button small" onClick={() => setAll(!all)}>
          {all ? "Hide frames of libraries" : `Show ${count(frames.length - own.length, "frame")} of libraries`}
        </button>
      )}
    </section>
  );
}

function Frame({ frame }: { frame: Record<string, unknown> }) {
  const locals = asObject(frame.locals);
  return (
    <li class={LIBRARY.test(asText(frame.filename)) ? "library" : ""}>
      <b>{line(asText(frame.method) || "?", 80)}</b> <span title={line(asText(frame.filename))}>
        {shortPath(asText(frame.filename))}:{line(asText(frame.lineno), 12)}
      </span>
      {asText(frame.code) && <code>{block(asText(frame.code))}</code>}
      <Fields title="Locals" of={locals} />
    </li>
  );
}
