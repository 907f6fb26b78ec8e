import type { Payload } from "./payloads";

/** A request for the worker to make. */
export interface ExportRequest {
  readonly id: number;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly payload: Payload;
}

/** The worker's response: whether the relay accepted the payload of request `id`. */
export interface ExportResponse {
  readonly id: number;
  readonly ok: boolean;
}

/** The worker's first message: it handles requests from now on. */
export const READY = "ready";
