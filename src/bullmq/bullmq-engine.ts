import process from 'node:process';
import { WaitingError } from 'bullmq';
import { positive } from '../distributed/checks.ts';
import type {
  Beat,
  ClientEvents,
  ClientLink,
  Consignment,
  Engine,
  EngineFeatures,
  Fate,
  Holding,
  Offer,
  Removal,
  WorkerLink,
  WorkerSettings,
} from '../distributed/engine.ts';
import { Refusal } from '../distributed/engine.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import type { Duration } from '../internal/duration.ts';
import { checkOptions } from '../internal/options.ts';
import { withoutPassword } from '../internal/without-password.ts';
import { logger } from '../kernel/lowlevel.ts';
import { messageOf } from '../node/border/index.ts';
import {
  type AnyEvents,
  type AnyQueue,
  type AnyWorker,
  attemptsOf,
  checkingOn,
  clockOf,
  connectionOf,
  discountStart,
  type Row,
  removeFinished,
  removeOver,
  removeUnheld,
  rowsOf,
  type Store,
  storeOf,
} from './store.ts';
import { type Completing, completeAgain, type Tries, writeAgain } from './write-again.ts';

/** Options of `bullmq`: one of `connection` and `postgres`. */
export interface BullmqOptions {
  /** Redis: an address (`redis://…`), the options of its client, or a client of ioredis that exists. An address `postgres://…` is possible, too. */
  readonly connection?: string | object | undefined;
  /** PostgreSQL: an address, the options of `pg.Pool` with BullMQ's `schema` and `migrate`, or a pool that exists. From an address, tables are made. */
  readonly postgres?: string | object | undefined;
  /** Before the keys in Redis; `bull` when absent. */
  readonly prefix?: string | undefined;
  /** How long the store keeps outcomes that no client has taken, and those of a `key`: an hour when absent. */
  readonly keep?: Duration | undefined;
}

/** What a job is in BullMQ. `e` is the envelope, `n` how often it may be started, `b` whether a worker has given it back without starting it. */
interface Data {
  readonly e: string;
  readonly n: number;
  readonly b?: boolean;
}

/**
 * Jobs through BullMQ, in Redis or PostgreSQL: durable, and given to another worker when one is lost, as far as `retries` allow. Needs the
 * package `bullmq` of version 6, with `ioredis` or `pg`.
 *
 * For each queue there is one of BullMQ with its name, which BullMQ's tools show, and one with the name and `-control` for signs of life
 * and cancellations.
 *
 * @throws {TypeError} when not exactly one of `connection` and `postgres` is given
 * @example
 * const engine = bullmq({ connection: 'redis://127.0.0.1:6379' });
 * console.log(engine.name); // bullmq
 */
export function bullmq(options: BullmqOptions): Engine {
  const all: BullmqOptions = options ?? {};
  if (typeof all === 'string') {
    const address = describe(withoutPassword(all));
    throw typeError(`bullmq: options are one object, got ${address}; write bullmq({ connection: ${address} })`);
  }
  checkOptions('bullmq', all, ['connection', 'postgres', 'prefix', 'keep'], false);
  return new BullmqEngine(storeOf(connectionOf(all)), Math.ceil(positive(all.keep ?? 3_600, 'bullmq: keep')));
}

class BullmqEngine implements Engine {
  readonly name = 'bullmq';
  readonly features: EngineFeatures = { durable: true, progress: true };
  readonly #store: Store;
  readonly #keep: number;

  constructor(store: Store, keep: number) {
    this.#store = store;
    this.#keep = keep;
  }

  async openClient(queue: string, events: ClientEvents): Promise<ClientLink> {
    const link = new BullmqClient(this.#store, queue, events, this.#keep);
    await link.open();
    return link;
  }

  async openWorker(queue: string, settings: WorkerSettings): Promise<WorkerLink> {
    const link = new BullmqWorker(this.#store, queue, settings, this.#keep);
    await link.open();
    return link;
  }
}

/**
 * Signs of life and marks, as fields of the second queue's hash. Each holds when it ends on the store's clock:
 *
 *     worker:NAME   { offer, until }
 *     client:ID     until
 *     cancel:JOB    until
 *     want:JOB:ID   the client ID waits for a job of a key; holds as long as the client's own field
 */
class Control {
  readonly queue: AnyQueue;
  readonly events: AnyEvents | null;
  /** In milliseconds: the store's clock at zero of this process's. */
  #offset: number | null = null;

  constructor(store: Store, name: string, isListening: boolean) {
    this.queue = quiet(store.control(`${name}-control`));
    this.events = isListening ? listening(store.events(`${name}-control`)) : null;
  }

  /** All that has connections. */
  get sources(): readonly Source[] {
    return this.events === null ? [this.queue] : [this.queue, this.events];
  }

  async clock(): Promise<number> {
    const before = performance.now();
    const now = await clockOf(this.queue.backend);
    this.#offset = now - (before + performance.now()) / 2;
    return now;
  }

  async now(): Promise<number> {
    return this.#offset === null ? await this.clock() : performance.now() + this.#offset;
  }

  async set(fields: Readonly<Record<string, string>>): Promise<void> {
    await this.queue.backend.setQueueMeta(fields);
  }

  async get(fields: readonly string[]): Promise<(string | null)[]> {
    return fields.length === 0 ? [] : await this.queue.backend.getQueueMetaFields([...fields]);
  }

  async remove(fields: readonly string[]): Promise<void> {
    if (fields.length > 0) await this.queue.backend.removeQueueMetaFields([...fields]);
  }

  /** The workers that are there. What has ended for long is removed on the way. */
  async offers(): Promise<Offer[]> {
    const now = await this.now();
    const meta = await this.queue.backend.getQueueMeta();
    const all = Object.entries(meta);
    const over = all.filter(([field, value]) => endOf(field, value, meta) + OLD < now).map(([field]) => field);
    await this.remove(over);
    return all
      .filter(([field, value]) => field.startsWith('worker:') && endOf(field, value, meta) > now)
      .map(([, value]) => (JSON.parse(value) as { readonly offer: Offer }).offer);
  }

  /** Whether a client that is alive waits for a job. */
  async isWanted(id: string): Promise<boolean> {
    const now = await this.now();
    const meta = await this.queue.backend.getQueueMeta();
    return Object.entries(meta).some(
      ([field, value]) => field.startsWith(`want:${id}:`) && endOf(field, value, meta) > now,
    );
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.events?.close(), this.queue.close()]);
  }
}

/** In milliseconds: marks that have ended are kept this long. */
const OLD = 600_000;
/** In milliseconds: how long a cancellation is remembered. */
const MARKED = 3_600_000;

/** Until when a field holds; fields of BullMQ itself hold for ever. */
function endOf(field: string, value: string, meta: Readonly<Record<string, string>>): number {
  if (field.startsWith('worker:')) return (JSON.parse(value) as { readonly until: number }).until;
  if (field.startsWith('want:')) return Number(meta[`client:${field.slice(field.lastIndexOf(':') + 1)}`] ?? 0);
  return /^(?:client|cancel):/.test(field) ? Number(value) : Number.POSITIVE_INFINITY;
}

/** Without a listener, an error of the connection would end the process. The core tells when the store stays out of reach. */
function quiet<T extends { on(event: 'error', listener: (error: Error) => void): unknown }>(source: T): T {
  source.on('error', () => {});
  return source;
}

/** What BullMQ makes connections for. */
interface Source {
  waitUntilReady(): Promise<unknown>;
  getBackend(): { close(force?: boolean): Promise<void>; disconnect(): Promise<void> };
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Waits until all are connected. The first error of one is that of the whole attempt, because clients of Redis try for ever, and tell nobody why.
 *
 * @throws {Refusal} when trying again makes no sense
 */
async function connected(sources: readonly Source[]): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      for (const source of sources) source.on('error', reject);
      Promise.all(sources.map((source) => source.waitUntilReady())).then(() => resolve(), reject);
    });
  } catch (error) {
    // Their own `close` ends what they do again and again, and waits for the connection, which then is given up.
    for (const source of sources) source.close().catch(() => {});
    await Promise.allSettled(sources.map((source) => source.getBackend().close(true)));
    throw refusalOf(error) ?? error;
  }
}

/** The refusal when the next attempt would fail in the same way; `null` when it may succeed. */
function refusalOf(error: unknown): Refusal | null {
  if (isDenied(error)) return new Refusal(`the store refuses the account: ${messageOf(error)}`, 'NOT_ALLOWED', error);
  const { name } = (error ?? {}) as { readonly name?: unknown };
  if (name === 'SchemaVersionMismatchError') return new Refusal(messageOf(error), 'STORE_VERSION', error);
  if (name !== 'SchemaMigrationRequiredError') return null;
  return new Refusal(
    'this database of PostgreSQL has no tables of BullMQ; to make them, give an address instead of options or a pool, ' +
      "or write bullmq({ postgres: { connectionString: 'postgres://127.0.0.1/app', migrate: true } })",
    'NO_TABLES',
    error,
  );
}

/** Wrong passwords and names, of Redis and PostgreSQL. */
function isDenied(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return /^(?:28P01|28000|3D000)$/.test(String(code)) || /^(?:WRONGPASS|NOAUTH|NOPERM)/.test(messageOf(error));
}

/** In milliseconds: how long connections may take to end in order. */
const CLOSING = 5_000;

/** Waits until connections have ended; one that the store has left in the middle of it may never do that by itself, and is cut. */
async function ended(sources: readonly Source[], end: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      for (const source of sources)
        source
          .getBackend()
          .disconnect()
          .catch(() => {});
      resolve();
    }, CLOSING);
  });
  await Promise.race([end, late]);
  clearTimeout(timer);
}

/** Events that stop for an error of the store go on a second later; what is missed is looked up. */
function listening(events: AnyEvents): AnyEvents {
  let isClosed = false;
  const close = events.close.bind(events);
  events.close = () => {
    isClosed = true;
    return close();
  };
  const again = (): void => {
    if (isClosed) return;
    const timer = setTimeout(() => {
      if (!isClosed) events.run().catch(() => {}); // runs already, or tells by an event again
    }, 1_000);
    timer.unref();
  };
  events.on('error', again);
  return events;
}

class BullmqClient implements ClientLink {
  readonly #queue: AnyQueue;
  readonly #events: AnyEvents;
  readonly #control: Control;
  readonly #keep: number;
  readonly #attempts = new Map<string, number>();
  /** Those that nobody may start again, and that were taken away, with their last workers: their clients are told, or do not listen yet. */
  readonly #lost = new Map<string, string>();
  /** Those that other clients may want, too, and whether it was looked up how often they may be started: that is up to the first client. */
  readonly #shared = new Map<string, boolean>();
  /** Jobs that had no holder when they were looked up last, by the number of their starts: the next look decides. */
  readonly #doubtful = new Map<string, number>();
  /** Those that were cancelled from here: the marks go with the jobs. */
  readonly #marked = new Set<string>();
  #unsent: { readonly job: Consignment; resolve(): void; reject(error: unknown): void }[] = [];

  constructor(store: Store, name: string, events: ClientEvents, keep: number) {
    this.#queue = quiet(store.queue(name));
    this.#events = listening(store.events(name));
    this.#control = new Control(store, name, false);
    this.#keep = keep;
    this.#events.on('active', ({ jobId }) => events.started(jobId, ''));
    this.#events.on('completed', ({ jobId, returnvalue }) => {
      this.#attempts.delete(jobId);
      if (typeof returnvalue === 'string') events.settled(jobId, returnvalue);
    });
    this.#events.on('failed', ({ jobId }) => events.changed(jobId));
    this.#events.on('progress', ({ jobId, data }) => {
      if (typeof data === 'string') events.progress(jobId, data);
    });
  }

  async open(): Promise<void> {
    await connected([this.#queue, this.#events, ...this.#control.sources]);
  }

  offers(): Promise<readonly Offer[]> {
    return this.#control.offers();
  }

  clock(): Promise<number> {
    return this.#control.clock();
  }

  async backlog(): Promise<number> {
    const [waiting = 0] = await this.#queue.backend.getCounts(['waiting']);
    return waiting;
  }

  /** Those that the code of this moment sends, with all that it wakes, go in one command. */
  send(job: Consignment): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#unsent.length === 0) process.nextTick(() => this.#flush());
      this.#unsent.push({ job, resolve, reject });
    });
  }

  async #flush(): Promise<void> {
    const unsent = this.#unsent;
    this.#unsent = [];
    const kept = { age: this.#keep };
    try {
      const wanted = unsent.flatMap(({ job: { id, sharer } }) =>
        sharer === null ? [] : [[`want:${id}:${sharer}`, '1']],
      );
      if (wanted.length > 0) await this.#control.set(Object.fromEntries(wanted));
      const jobs = unsent.map(({ job: { id, text, name, attempts, sharer } }) => {
        this.#attempts.set(id, attempts);
        if (sharer !== null) this.#shared.set(id, false);
        const data: Data = { e: text, n: attempts };
        return { name, data, opts: { jobId: id, removeOnComplete: kept, removeOnFail: kept } };
      });
      const [first] = jobs;
      // One alone goes faster without a pipeline.
      if (first !== undefined && jobs.length === 1) await this.#queue.add(first.name, first.data, first.opts);
      else await this.#queue.addBulk(jobs);
      for (const { resolve } of unsent) resolve();
    } catch (error) {
      for (const { reject } of unsent) reject(error);
    }
  }

  async remove(id: string): Promise<Removal> {
    return await removeUnheld(this.#queue.backend, id);
  }

  async cancel(id: string): Promise<void> {
    this.#marked.add(id);
    await this.#control.set({ [`cancel:${id}`]: String((await this.#control.now()) + MARKED) });
    await this.#control.queue.backend.publishEvent({ event: CANCEL, jobId: id }, 1_000);
  }

  async lookUp(ids: readonly string[]): Promise<ReadonlyMap<string, Fate>> {
    const rows = await rowsOf(this.#queue.backend, ids);
    await Promise.all(rows.map((row) => this.#findAttempts(row)));
    const fates = new Map<string, Fate>(rows.map((row) => [row.id, this.#fate(row)]));
    const lost = rows.filter(({ id, isFinished }) => !isFinished && fates.get(id)!.state === 'lost');
    await Promise.all(lost.map((row) => this.#takeAway(row, fates)));
    for (const id of ids) {
      const worker = this.#lost.get(id);
      if (worker !== undefined && !fates.has(id)) fates.set(id, { state: 'lost', worker });
    }
    return fates;
  }

  /**
   * Before its client is told that it is lost, so that a worker that gets to the store again, and has not started it yet, does not start it. Those that
   * others may want stay: for each of their clients they have to be lost, too.
   */
  async #takeAway({ id, worker }: Row, fates: Map<string, Fate>): Promise<void> {
    if (!this.#attempts.has(id) || this.#shared.has(id)) return;
    this.#lost.set(id, worker); // before it is known: the answer may be lost
    if ((await removeUnheld(this.#queue.backend, id)) !== 'held') return;
    this.#lost.delete(id);
    fates.set(id, { state: 'running', worker });
  }

  /** Asked only for a job that has no worker any more, because it takes a call of its own. */
  async #findAttempts({ id, isFinished, isLocked, starts }: Row): Promise<void> {
    if (isFinished || isLocked || starts === 0 || this.#shared.get(id) !== false) return;
    const attempts = await attemptsOf(this.#queue.backend, id);
    if (attempts === null || !this.#shared.has(id)) return; // it has gone in the meantime
    this.#attempts.set(id, attempts);
    this.#shared.set(id, true);
  }

  #fate(row: Row): Fate {
    const { id, worker, starts } = row;
    // Only of this job: each look-up is of some of the jobs, and says nothing about the others.
    const doubted = this.#doubtful.get(id);
    this.#doubtful.delete(id);
    if (row.isFinished) {
      this.#attempts.delete(id);
      const reply = replyOf(row);
      return reply === null ? { state: 'lost', worker: worker || 'of this job' } : { state: 'settled', reply };
    }
    if (row.isLocked) {
      const progress = row.progress === null ? undefined : textOf(row.progress);
      return { state: 'running', worker, progress };
    }
    if (starts === 0 || starts < (this.#attempts.get(id) ?? 1)) return { state: 'waiting' };
    // Nobody holds it, and nobody may start it again. It may have been given to a worker at this moment, so it is looked at twice.
    this.#doubtful.set(id, starts);
    if (doubted === starts) return { state: 'lost', worker };
    return { state: 'running', worker };
  }

  async forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      this.#attempts.delete(id);
      this.#doubtful.delete(id);
      this.#lost.delete(id);
    }
    const { backend } = this.#queue;
    const [rest] = await Promise.all([
      removeFinished(backend, ids),
      this.#control.remove(ids.filter((id) => this.#marked.has(id)).map((id) => `cancel:${id}`)),
    ]);
    for (const id of ids) this.#marked.delete(id);
    await Promise.all(rest.map((id) => removeUnheld(backend, id)));
  }

  async discard(id: string, reply: string | null): Promise<void> {
    switch (await removeOver(this.#queue.backend, id, reply)) {
      case 'gone':
        this.#attempts.delete(id);
        this.#doubtful.delete(id);
        await this.#control.remove([`cancel:${id}`]);
        break;
      case 'ending':
        throw new Error('the job has ended in the meantime, or is about to end');
    }
  }

  leave(ids: readonly string[], client: string): Promise<void> {
    for (const id of ids) {
      this.#shared.delete(id);
      this.#doubtful.delete(id);
    }
    return this.#control.remove(ids.map((id) => `want:${id}:${client}`));
  }

  isWanted(id: string): Promise<boolean> {
    return this.#control.isWanted(id);
  }

  async renew(client: string, seconds: number): Promise<void> {
    await this.#control.set({
      [`client:${client}`]: String(Math.round((await this.#control.now()) + seconds * 1_000)),
    });
  }

  async close(): Promise<void> {
    const sources = [this.#queue, this.#events, ...this.#control.sources];
    await ended(sources, Promise.allSettled([this.#events.close(), this.#queue.close(), this.#control.close()]));
  }
}

/** The event of a cancellation. */
const CANCEL = 'asyncio-cancel';

/** BullMQ's own failures have no reply: `null`. */
function replyOf({ returned }: Row): string | null {
  return returned === null ? null : (textOf(returned) ?? null);
}

/** A text that was stored as JSON. */
function textOf(json: string): string | undefined {
  try {
    const value = JSON.parse(json) as unknown;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** In milliseconds: between two attempts to send a report. */
const PAUSE = 500;
/** How many reports of one job wait at the most, while one is sent. The oldest go. */
const MOST_REPORTS = 100;

class BullmqWorker implements WorkerLink {
  readonly #settings: WorkerSettings;
  readonly #store: Store;
  readonly #name: string;
  readonly #control: Control;
  readonly #keep: number;
  readonly #lost = new Set<string>();
  #worker: AnyWorker | null = null;
  #isPaused = false;
  /** Whether it has no connections any more. */
  #isClosed = false;

  constructor(store: Store, name: string, settings: WorkerSettings, keep: number) {
    this.#store = store;
    this.#name = name;
    this.#settings = settings;
    this.#keep = keep;
    this.#control = new Control(store, name, true);
    const cancelled = ({ jobId }: { readonly jobId: string }): void => settings.cancel(jobId);
    this.#control.events!.on(CANCEL as 'drained', cancelled as never);
  }

  async open(): Promise<void> {
    await connected(this.#control.sources);
    try {
      await this.#begin();
    } catch (error) {
      await this.close(); // otherwise what is connected would keep the process
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const { concurrency, lease, offer } = this.#settings;
    await this.beat([]);
    const kept = { age: this.#keep };
    const worker = quiet(
      this.#store.worker(this.#name, (job, token) => this.#process(job as Given, token), {
        name: offer.worker,
        concurrency: Math.min(concurrency, 1_000_000),
        lockDuration: Math.round(lease * 1_000),
        stalledInterval: Math.round(Math.min(lease, 5) * 1_000),
        // How often a job may be started is in its envelope.
        maxStalledCount: 1_000_000,
        removeOnComplete: kept,
        removeOnFail: kept,
        runRetryDelay: 1_000,
      }),
    );
    checkingOn(worker);
    worker.on('lockRenewalFailed', (ids: string[]) => {
      for (const id of ids) this.#lost.add(id);
    });
    this.#worker = worker;
    await connected([worker]);
  }

  async #process(job: Given, token: string | undefined): Promise<string> {
    const { id = '', attemptsStarted: attempt } = job;
    this.#lost.delete(id); // of an earlier start, which ends when this one begins
    const data = job.data as Data;
    const { e: text } = data;
    const reports = new Reports(job);
    const performed = await this.#settings.perform({
      id,
      text,
      attempt,
      isCancelled: false,
      held: this.#held(job),
      hold: () => this.#hold(job, token),
      progress: (report) => reports.add(report),
    });
    await reports.sent();
    const tries: Tries = { seconds: this.#settings.lease, isClosed: () => this.#isClosed };
    if (!('reply' in performed)) {
      if (!performed.isStarted) {
        // Before it goes back, while nobody else can have it.
        const given = { id, token: token ?? '', starts: attempt, data: { ...data, b: true } };
        await writeAgain(() => discountStart(this.#worker!.getBackend(), given), tries);
      }
      await writeAgain(() => job.moveToWait(token), tries);
      throw new WaitingError();
    }
    completeAgain(job, tries);
    return performed.reply;
  }

  /**
   * The lock was set after this worker had asked for a job, whose time is in the job. A first start within that needs no question, because who cancels a
   * job that nobody has started removes it; a later one has to look for the mark of a cancellation, and so has one that another worker has had.
   */
  #held({ attemptsStarted, processedOn, data }: Given): number {
    const { lease } = this.#settings;
    if (attemptsStarted > 1 || (data as Data).b === true || processedOn === undefined) return 0;
    return Math.max(0, Math.min(lease, lease - (Date.now() - processedOn) / 1_000));
  }

  async #hold(job: Given, token = ''): Promise<Holding> {
    const [extended, [mark]] = await Promise.all([
      job.extendLock(token, Math.round(this.#settings.lease * 1_000)),
      this.#control.get([`cancel:${job.id}`]),
    ]);
    if (extended !== 1) return 'lost';
    return typeof mark === 'string' ? 'cancelled' : 'held';
  }

  async beat(running: readonly string[]): Promise<Beat> {
    const { lease, offer } = this.#settings;
    const until = Math.round((await this.#control.now()) + lease * 1_000);
    const [marks] = await Promise.all([
      this.#control.get(running.map((id) => `cancel:${id}`)),
      this.#isPaused ? null : this.#control.set({ [`worker:${offer.worker}`]: JSON.stringify({ offer, until }) }),
    ]);
    const lost = running.filter((id) => this.#lost.has(id));
    this.#lost.clear();
    return { cancelled: running.filter((_id, i) => marks[i] !== null), lost };
  }

  async lostClients(clients: readonly string[]): Promise<readonly string[]> {
    const now = await this.#control.now();
    const ends = await this.#control.get(clients.map((client) => `client:${client}`));
    return clients.filter((_client, i) => ends[i] !== null && Number(ends[i]) < now);
  }

  clock(): Promise<number> {
    return this.#control.clock();
  }

  async pause(): Promise<void> {
    if (!this.#isPaused) {
      this.#isPaused = true;
      // What it does not take it does not offer either. Without an answer of the store the offer ends with the lease.
      this.#withdraw().catch(() => {});
    }
    await this.#worker?.pause(true);
  }

  async #withdraw(): Promise<void> {
    await this.#control.remove([`worker:${this.#settings.offer.worker}`]);
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    const left = Promise.allSettled([this.#withdraw(), worker?.close()]);
    const sources = [...(worker === null ? [] : [worker]), ...this.#control.sources];
    await ended(
      sources,
      left.then(() => this.#control.close()),
    );
    this.#isClosed = true;
    await worker?.stopRenewing();
  }
}

/** BullMQ's job, as far as it is used. */
interface Given extends Completing {
  readonly id?: string | undefined;
  readonly data: unknown;
  readonly attemptsStarted: number;
  /** In milliseconds, on the clock of this process: when the worker asked for it. */
  readonly processedOn?: number | undefined;
  extendLock(token: string, duration: number): Promise<number>;
  updateProgress(progress: string): Promise<void>;
  moveToWait(token?: string): Promise<unknown>;
}

/** Sends reports one after the other, so that they do not overtake each other. */
class Reports {
  readonly #job: Given;
  #waiting: string[] = [];
  #sending: Promise<void> | null = null;
  #isOver = false;

  constructor(job: Given) {
    this.#job = job;
  }

  add(report: string): void {
    if (this.#waiting.length >= MOST_REPORTS) this.#waiting.shift();
    this.#waiting.push(report);
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    for (let report = this.#waiting.shift(); report !== undefined; report = this.#waiting.shift()) {
      try {
        await this.#job.updateProgress(report);
      } catch (error) {
        if (this.#isOver) break;
        // The latest is not to be lost; an older one is worth nothing once the store can be reached again.
        if (this.#waiting.length === 0) this.#waiting.push(report);
        logger.warn(`a report of job ${this.#job.id} was not sent, and is tried again: ${messageOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
    this.#sending = null;
  }

  /** The job has ended: what could not be sent is given up. */
  async sent(): Promise<void> {
    this.#isOver = true;
    await this.#sending;
  }
}
