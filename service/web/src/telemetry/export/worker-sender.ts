import { type Outcome, type Posted, READY } from "./relay-messages";

export type Body = Uint8Array<ArrayBuffer>;

/** Sends one body to the relay and says whether it was taken. Never throws, and writes nothing to the console. */
export type Send = (body: Body) => Promise<boolean>;

/** A body that nothing was done with yet, and how to tell its sender what becomes of it. */
export interface Waiting {
  readonly body: Body;
  readonly answer: (ok: boolean) => void;
}

/** Has a worker make the requests. Until it runs, what it is to send waits here, and can be taken back. */
export class WorkerSender {
  private worker: Worker | undefined;
  private state: "starting" | "ready" | "broken" = "starting";
  private waiting: Waiting[] = [];
  private readonly answers = new Map<number, (ok: boolean) => void>();
  private next = 0;

  constructor(private readonly url: string) {}

  readonly send: Send = (body) => new Promise((answer) => this.accept({ body, answer }));

  /** Return what waits for the worker; it is the caller's to send and to answer from now on. */
  takeBack(): Waiting[] {
    return this.waiting.splice(0);
  }

  private accept(sent: Waiting): void {
    if (this.state === "ready") return this.post(sent);
    if (this.state === "broken") return sent.answer(false);
    this.waiting.push(sent);
    try {
      this.worker ??= this.start();
    } catch {
      this.giveUp();
    }
  }

  private start(): Worker {
    const worker = new Worker(new URL("./relay.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Outcome | typeof READY>) => {
      if (data === READY) this.begin();
      else this.answer(data);
    });
    // A worker that cannot run answers nothing: what waits for it is lost, and the page goes on.
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.giveUp();
    });
    return worker;
  }

  private begin(): void {
    this.state = "ready";
    for (const sent of this.takeBack()) this.post(sent);
  }

  private post({ body, answer }: Waiting): void {
    const id = this.next++;
    this.answers.set(id, answer);
    this.worker?.postMessage({ id, url: this.url, body } satisfies Posted);
  }

  private answer({ id, ok }: Outcome): void {
    this.answers.get(id)?.(ok);
    this.answers.delete(id);
  }

  private giveUp(): void {
    this.state = "broken";
    for (const { answer } of this.takeBack()) answer(false);
    for (const answer of this.answers.values()) answer(false);
    this.answers.clear();
  }
}
