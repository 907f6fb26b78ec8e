// Read a part of the server's JSON again and again while the page is visible. What was read last stays when a reading fails.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "../api";

export interface Reading<T> {
  data: T | undefined;
  error: ApiError | undefined;
  /** When the data was read, in milliseconds since the epoch; 0 before. */
  at: number;
}

export function usePolled<T>(path: string, seconds: number): Reading<T> {
  const [reading, setReading] = useState<Reading<T>>({ data: undefined, error: undefined, at: 0 });
  usePolling(
    useCallback(
      async (signal) => {
        try {
          const data = await get<T>(path, signal);
          setReading({ data, error: undefined, at: Date.now() });
        } catch (error) {
          if (!signal.aborted) setReading((last) => ({ ...last, error: asApiError(error) }));
        }
      },
      [path],
    ),
    seconds,
  );
  return reading;
}

export const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(String(error), "Reload the page", 0);

/** Call `read`, and again `seconds` after it has ended, but not while the page is hidden. */
export function usePolling(read: (signal: AbortSignal) => Promise<void>, seconds: number): void {
  const current = useRef(read);
  current.current = read;
  useEffect(() => {
    const controller = new AbortController();
    let timer = 0;
    let running = false;
    const poll = async () => {
      clearTimeout(timer);
      if (running || document.hidden) return;
      running = true;
      await current.current(controller.signal);
      running = false;
      if (!controller.signal.aborted) timer = window.setTimeout(poll, seconds * 1000);
    };
    void poll();
    document.addEventListener("visibilitychange", poll);
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", poll);
    };
  }, [seconds, read]);
}
