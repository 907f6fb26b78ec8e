import type { Body } from "./worker-sender";

/** What the page posts to its worker: a request to make. */
export interface Posted {
  readonly id: number;
  readonly url: string;
  readonly body: Body;
}

/** What the worker answers: whether the relay took it. */
export interface Outcome {
  readonly id: number;
  readonly ok: boolean;
}

/** What the worker says first: that it begins at once with whatever is posted. */
export const READY = "ready";
