// A line of CloudWatch Logs: a JSON object, as a rule, but any text may be in a log group.
import type { JsonObject } from "../api";
import { asObject, asText } from "../text";

export const lineFields = (item: JsonObject): Record<string, unknown> => asObject(item.fields);

/** The message, or the line as it is. */
export const lineMessage = (item: JsonObject): string => asText(lineFields(item).message) || asText(item.message);
