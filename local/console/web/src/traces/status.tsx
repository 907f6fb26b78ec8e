const TONES = ["", "", "ok", "info", "warn", "danger"];

/** A status code in the colour of its class. */
export function Status({ status }: { status: number | null }) {
  return <span class={`status ${TONES[Math.floor((status ?? 0) / 100)] ?? ""}`}>{status ?? "–"}</span>;
}

/** Whether the client was at fault: a warning in every pane, as the service did what it should. */
export const isClientError = (status: unknown): boolean => Number(status) >= 400 && Number(status) < 500;
