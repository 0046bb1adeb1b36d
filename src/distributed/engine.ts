/**
 * What carries jobs between clients and workers: a store (Redis, PostgreSQL), a bus (NATS), or memory. Everything that is the same for all of
 * them (values, errors, deadlines, cancellation, look-ups, back-pressure) is in the core, so an engine only moves texts.
 */

/** What an engine can do; the core refuses by name what it cannot. */
export interface EngineFeatures {
  /** Whether a job survives that nobody serves it now, and is given to another worker after a loss: at least once. Otherwise at most once. */
  readonly durable: boolean;
  /** Whether workers can report progress. */
  readonly progress: boolean;
  /** Whether its methods wait with this library alone, as an engine on simulated time does; absent for engines over a client of a store. */
  readonly inLoop?: boolean | undefined;
}

/** The functions that one worker offers. */
export interface Offer {
  /** The name of the worker, for messages: `host:pid/1`. */
  readonly worker: string;
  /** The name of the module that it stands for, `null` for any. */
  readonly module: string | null;
  readonly names: readonly string[];
}

/** A job to be sent. */
export interface Consignment {
  /** Invariant: two with the same id are the same job, so sending twice does no harm. */
  readonly id: string;
  /** The envelope. The engine does not read it. */
  readonly text: string;
  /** The name of the function, for tools that look into the store. */
  readonly name: string;
  /** How many times it may be started, 1 or more. */
  readonly attempts: number;
  /** The client, when others may want the same job, too: it is noted until it calls `leave`. `null` for a job of one client. */
  readonly sharer: string | null;
}

/** What became of a job. */
export type Fate =
  | { readonly state: 'waiting' }
  | { readonly state: 'running'; readonly worker: string; readonly progress?: string | undefined }
  | { readonly state: 'settled'; readonly reply: string }
  /** It was started as often as it may be, and each worker was lost. */
  | { readonly state: 'lost'; readonly worker: string };

/** What came of the removal of a job. */
export type Removal =
  /** It was never started and is gone; or it has ended, and its outcome is left until `forget`: that of a key may be wanted later. */
  | 'removed'
  /** It is gone; a worker that was lost, or has stopped, had started it. Nobody can tell whether it still runs there. */
  | 'started'
  /** A worker has it: nothing was done. */
  | 'held'
  /** It is not there. */
  | 'unknown';

/** What an engine tells a client. Each may come late, twice, in any order, or never: the client looks up what it misses. */
export interface ClientEvents {
  started(id: string, worker: string): void;
  settled(id: string, reply: string): void;
  /** It was sent, and nobody has taken it: it was not started. */
  refused(id: string, error: Error): void;
  progress(id: string, text: string): void;
  /** Something has changed for a job: it is looked up at once. */
  changed(id: string): void;
}

/** The connection of one client to one queue. A method that cannot reach the store rejects, and is called again. */
export interface ClientLink {
  /** What the workers of the queue offer that are there now. */
  offers(): Promise<readonly Offer[]>;
  /** The clock of the store, in milliseconds since 1970. */
  clock(): Promise<number>;
  /** How many jobs wait for a worker. */
  backlog(): Promise<number>;
  /** @throws {Refusal} when it can never be sent; anything else that is thrown means: try again */
  send(job: Consignment): Promise<void>;
  /** Takes a job away that no worker has, so that it is never started afterwards. */
  remove(id: string): Promise<Removal>;
  /** Asks for the end of a job, wherever it is: a mark that workers look at before they start it, and a message to the one that runs it. */
  cancel(id: string): Promise<void>;
  /** The fates of jobs, in one batch; those that the store does not know are absent. */
  lookUp(ids: readonly string[]): Promise<ReadonlyMap<string, Fate>>;
  /** The client has the outcomes: what was kept for them can go. Also takes away jobs that are lost. */
  forget(ids: readonly string[]): Promise<void>;
  /**
   * Takes away a job so that it can be sent again: one that has ended with `reply`, and one that is lost, which was started as often as it may be, and
   * nobody has it. Does nothing to one that waits, or runs.
   *
   * @param reply how the job had ended when it was looked up; `null` when it had not
   * @throws {Error} when that is not so any more, or is about to change: it is to be looked up again
   */
  discard(id: string, reply: string | null): Promise<void>;
  /** A client does not want these shared jobs any more. */
  leave(ids: readonly string[], client: string): Promise<void>;
  /** Whether a client that is alive wants a shared job. */
  isWanted(id: string): Promise<boolean>;
  /** The client is there, for so many seconds. */
  renew(client: string, seconds: number): Promise<void>;
  /** The client goes, in order. */
  close(): Promise<void>;
}

/** Whether a job that was not started yet may be. `lost`: it is not this worker's any more. */
export type Holding = 'held' | 'cancelled' | 'lost';

/** A job that is given to a worker. */
export interface Delivery {
  readonly id: string;
  /** The envelope. */
  readonly text: string;
  /** The number of this start: 1 for the first. */
  readonly attempt: number;
  /** Whether it was cancelled before this start, as far as that is known without asking. */
  readonly isCancelled: boolean;
  /**
   * For how many seconds from now the store keeps it for this worker: neither is it given to another one in that time, nor told to be over. What
   * has to wait longer before it starts asks by `hold`; 0 asks in any case. Absent when nobody else can get it.
   */
  readonly held?: number | undefined;
  /** Asks the store to keep it for this worker for a lease, from some moment between the call and the answer. */
  hold?(): Promise<Holding>;
  /** Tells the client. May be lost, except for the last one as long as the job runs. */
  progress(text: string): void;
}

/** How a job ended in a worker. */
export type Performed =
  /** To be stored for the client. */
  | { readonly reply: string }
  /**
   * The worker stops: another one may start it, as after a loss. `isStarted: false`: the function was not called here, so the job goes back as if
   * this worker had never had it, and the start that was counted for it does not count.
   */
  | { readonly abandoned: true; readonly isStarted: boolean };

/** What a worker gives to an engine. */
export interface WorkerSettings {
  readonly offer: Offer;
  /** How many jobs it takes at the same time. */
  readonly concurrency: number;
  /** For how many seconds the worker counts as alive after a beat. */
  readonly lease: number;
  /** Performs a job. Never rejects. */
  perform(delivery: Delivery): Performed | Promise<Performed>;
  /** A client has asked for the end of a job that runs here. */
  cancel(id: string): void;
}

/** What the store knows about jobs that run in a worker. */
export interface Beat {
  /** Those that were cancelled. */
  readonly cancelled: readonly string[];
  /** Those that the store has taken away, because it heard nothing of this worker for too long. */
  readonly lost: readonly string[];
}

/** The connection of one worker to one queue. */
export interface WorkerLink {
  /** The worker is there. Called about once a second. */
  beat(running: readonly string[]): Promise<Beat>;
  /** Of some clients, those whose lease has ended. */
  lostClients(clients: readonly string[]): Promise<readonly string[]>;
  /** The clock of the store, in milliseconds since 1970. */
  clock(): Promise<number>;
  /** Takes no more jobs. Those that run go on. */
  pause(): Promise<void>;
  /** To be called when no job runs any more. */
  close(): Promise<void>;
}

/** A way between clients and workers: `bullmq(…)`, `nats(…)`, `MemoryEngine`. Made by the program, connects when it is used. */
export interface Engine {
  /** For messages. */
  readonly name: string;
  readonly features: EngineFeatures;
  openClient(queue: string, events: ClientEvents): Promise<ClientLink>;
  openWorker(queue: string, settings: WorkerSettings): Promise<WorkerLink>;
}

/** Thrown by an engine: sending again makes no sense. */
export class Refusal extends Error {
  readonly code: string;

  constructor(message: string, code: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
