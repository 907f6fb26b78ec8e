// The documents of the server: docs/traces.md. Whatever is inside of a place's items was sent by others, and may be anything.
import type { JsonObject } from "../api";

export const PLACES = ["honeycomb", "xray", "cloudwatch", "rollbar"] as const;
export type Place = (typeof PLACES)[number];

export const PLACE_LABELS: Record<Place, string> = {
  honeycomb: "OpenTelemetry",
  xray: "X-Ray",
  cloudwatch: "CloudWatch Logs",
  rollbar: "Rollbar",
};

export const SHORT_LABELS: Record<Place, string> = { honeycomb: "Spans", xray: "X-Ray", cloudwatch: "Logs", rollbar: "Rollbar" };

export interface Absence {
  reason: string;
  message: string;
  remedy: string | null;
}

export interface PlaceContent {
  items: JsonObject[];
  absence: Absence | null;
  url: string | null;
}

export interface Request {
  trace_id: string;
  /** Seconds since the epoch. */
  started: number;
  method: string | null;
  route: string | null;
  path: string | null;
  status: number | null;
  user: string | null;
  duration_ms: number | null;
  sampled: boolean | null;
  sample_rate: number | null;
  exception: string | null;
  places: Place[];
}

export interface Trace {
  trace_id: string;
  xray_trace_id: string;
  request: Request | null;
  places: Partial<Record<Place, PlaceContent>>;
}
