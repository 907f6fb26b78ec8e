// Why a request failed, in one line: the exception and where it was raised, as the places tell it.
import type { JsonObject } from "../api";
import { asArray, asObject, asText } from "../text";
import type { Place, Trace } from "./document";
import { lineFields } from "./lines";

/** Files of packages and of Python itself. */
export const LIBRARY = /\/(site|dist)-packages\/|\/lib\/python3/;
const FRAME = /^\s*File "([^"]+)", line (\d+)/gm;
const RAISED = /^([\w.]+)(?:: (.*))?$/;

export interface Cause {
  type: string;
  message: string;
  file: string;
  lineno: string;
  /** The pane that has it, and the span id of what it happened in. */
  place: Place;
  link: string;
}

/** Return the cause that the first place with an exception tells: Rollbar's has the best stack. */
export function causeOf(trace: Trace): Cause | null {
  const of = <T>(place: Place, read: (item: JsonObject) => T | null): T | null => {
    for (const item of trace.places[place]?.items ?? []) {
      const found = read(item);
      if (found) return found;
    }
    return null;
  };
  return of("rollbar", ofItem) ?? of("honeycomb", ofSpan) ?? of("xray", ofSegment) ?? of("cloudwatch", ofLine);
}

function ofItem(item: JsonObject): Cause | null {
  const body = asObject(item.body);
  const first = asObject(body.trace ?? asArray(body.trace_chain)[0]);
  const exception = asObject(first.exception);
  if (!asText(exception.class)) return null;
  const frames = asArray(first.frames).map(asObject).reverse();
  const frame = frames.find((each) => !LIBRARY.test(asText(each.filename))) ?? frames[0] ?? {};
  return { type: asText(exception.class), message: asText(exception.message), file: asText(frame.filename), lineno: asText(frame.lineno), place: "rollbar", link: asText(asObject(item.custom).span_id) };
}

function ofSpan(span: JsonObject): Cause | null {
  const event = asArray(span.events).map(asObject).find((each) => asText(asObject(each.attributes)["exception.type"]));
  if (!event) return null;
  const attributes = asObject(event.attributes);
  return { type: asText(attributes["exception.type"]), message: asText(attributes["exception.message"]), ...placeIn(asText(attributes["exception.stacktrace"])), place: "honeycomb", link: asText(span.span_id) };
}

function ofSegment(document: JsonObject): Cause | null {
  const exception = asObject(asArray(asObject(document.cause).exceptions)[0]);
  if (!asText(exception.type)) return null;
  const frames = asArray(exception.stack).map(asObject);
  const frame = frames.find((each) => !LIBRARY.test(asText(each.path))) ?? frames[0] ?? {};
  return { type: asText(exception.type), message: asText(exception.message), file: asText(frame.path), lineno: asText(frame.line), place: "xray", link: asText(document.id) };
}

function ofLine(item: JsonObject): Cause | null {
  const fields = lineFields(item);
  const text = asText(fields.exception).trimEnd();
  const last = RAISED.exec(text.slice(text.lastIndexOf("\n") + 1));
  return last ? { type: last[1]!, message: last[2] ?? "", ...placeIn(text), place: "cloudwatch", link: asText(fields.span_id) } : null;
}

/** The last own frame of a traceback. */
function placeIn(traceback: string): { file: string; lineno: string } {
  const frames = [...traceback.slice(-40_000).matchAll(FRAME)].reverse();
  const [, file = "", lineno = ""] = frames.find((each) => !LIBRARY.test(each[1]!)) ?? frames[0] ?? [];
  return { file, lineno };
}
