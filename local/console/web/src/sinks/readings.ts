// The server's readings of the health check, and what the page makes of them: rates and totals over time.

export interface Sink {
  on: boolean;
  because: string;
  last_error: string;
  unauthorized: string;
  queued?: number;
  capacity?: number;
  queued_bytes?: number;
  max_bytes?: number;
  delivered?: number;
  dropped: Record<string, number>;
}

export interface Worker {
  id: string;
  address: string;
  worker: number;
  version: string;
  last: number;
  sinks: Record<string, Sink>;
  sampling?: { source?: string; kept_failed_or_slow?: number; over_limit?: number };
  threads?: { threads_busy?: number; threads_total?: number; requests_waiting?: number; queue_seconds?: number };
  relay?: { accepted_spans?: number; dropped?: Record<string, number>; refused?: Record<string, number> };
  claims?: Record<string, unknown>;
  instrumentations?: Record<string, string>;
  unusable_variables?: Record<string, string>;
}

/** One answer of a worker, or why an address did not answer. A sink has its queued items and bytes, delivered and dropped. */
export interface Sample {
  at: number;
  worker?: string;
  sinks?: Record<string, [number, number, number, number]>;
  threads_busy?: number | null;
  address?: string;
  reason?: string;
}

export interface Answer {
  now: number;
  window: number;
  interval: number;
  leaves_traces: boolean;
  targets: string[];
  problem: string;
  workers: Worker[];
  readings: Sample[];
}

export const BUCKET = 5;
/** Seconds. Two readings of a worker that are further apart tell nothing of the time between them. */
const LONGEST_GAP = 90;

export interface Series {
  /** The time at the end of each bucket, in seconds since the epoch. */
  times: number[];
  delivered: (number | null)[];
  dropped: (number | null)[];
  queued: (number | null)[];
}

/** Sum the workers' readings of one sink in buckets: rates by the second, and the queue at the bucket's end; null where nothing was read. */
export function seriesOf(samples: Sample[], sink: string, now: number, window: number): Series {
  const end = Math.floor(now / BUCKET) * BUCKET;
  const size = Math.floor(window / BUCKET);
  const times = Array.from({ length: size }, (_, index) => end - (size - 1 - index) * BUCKET);
  const delivered = new Array<number | null>(size).fill(null);
  const dropped = new Array<number | null>(size).fill(null);
  const queued = new Array<number | null>(size).fill(null);
  const add = (series: (number | null)[], index: number, value: number) => (series[index] = (series[index] ?? 0) + value);
  for (const of_worker of byWorker(samples, sink).values()) {
    let previous: { at: number; values: [number, number, number, number] } | undefined;
    for (const sample of of_worker) {
      if (previous && sample.at - previous.at <= LONGEST_GAP) {
        const seconds = sample.at - previous.at;
        times.forEach((time, index) => {
          const overlap = Math.min(sample.at, time) - Math.max(previous!.at, time - BUCKET);
          if (overlap <= 0) return;
          const share = overlap / seconds / BUCKET;
          add(delivered, index, Math.max(0, sample.values[2] - previous!.values[2]) * share);
          add(dropped, index, Math.max(0, sample.values[3] - previous!.values[3]) * share);
        });
        times.forEach((time, index) => {
          if (time > previous!.at && time <= sample.at) add(queued, index, previous!.values[0]);
        });
      }
      previous = sample;
    }
    const last = times.findIndex((time) => previous !== undefined && time >= previous.at && time - previous.at < BUCKET);
    if (previous && last >= 0) add(queued, last, previous.values[0]);
  }
  return { times, delivered, dropped, queued };
}

function byWorker(samples: Sample[], sink: string) {
  const workers = new Map<string, { at: number; values: [number, number, number, number] }[]>();
  for (const { at, worker, sinks } of samples) {
    const values = sinks?.[sink];
    if (worker === undefined || values === undefined) continue;
    const list = workers.get(worker) ?? [];
    list.push({ at, values });
    workers.set(worker, list);
  }
  return workers;
}

/** The newest value of a series that is not null. */
export const latest = (series: (number | null)[]): number | null => series.findLast((each) => each !== null) ?? null;

export interface Silence {
  address: string;
  reason: string;
  from: number;
  to: number;
}

/** The periods in which an address did not answer, newest first: consecutive failures of one reason are one period. */
export function silences(samples: Sample[]): Silence[] {
  const open = new Map<string, Silence>();
  const all: Silence[] = [];
  for (const { at, address, worker, reason } of samples) {
    if (reason === undefined || address === undefined) {
      if (worker) for (const key of [...open.keys()]) if (worker.startsWith(`${key}/`)) open.delete(key);
      continue;
    }
    const last = open.get(address);
    if (last && last.reason === reason) last.to = at;
    else {
      const silence = { address, reason, from: at, to: at };
      open.set(address, silence);
      all.push(silence);
    }
  }
  return all.reverse();
}

/** Whether a worker still answers: its address is a target, has been read since its last failure, and not long ago. */
export function isAlive(worker: Worker, { targets, now }: Answer, gaps: Silence[]): boolean {
  const failed = gaps.find((each) => each.address === worker.address);
  return targets.includes(worker.address) && now - worker.last < LONGEST_GAP && !(failed && failed.to > worker.last);
}

export const total = (counts: Record<string, number>): number => Object.values(counts).reduce((sum, each) => sum + each, 0);
