import { RuntimeError, rethrowIfCancelled, TimeoutError } from '../errors/index.ts';
import { Context, createTask, sleep, timeout, wait } from '../index.ts';
import { type EventLoop, logger, newWait, release, type Task } from '../kernel/lowlevel.ts';
import { messageOf, unpack } from '../node/border/index.ts';
import { failureOf } from '../node/executors/failures.ts';
import { decode } from './codec.ts';
import type { ClientEvents, ClientLink, Engine, Fate, Offer } from './engine.ts';
import { Refusal } from './engine.ts';
import { type Answer, LARGEST, readAnswer, sizeOf } from './envelope.ts';
import { NotServed, StoreLost, WorkerLost } from './errors.ts';
import type { DistributedJob, Itinerary, JobOwner } from './job.ts';
import { noProgress } from './progress.ts';
import { StoreClock } from './store-clock.ts';
import { clientLinkOf } from './wrapped-links.ts';

/** Seconds between two look-ups of what is outstanding. */
const BEAT = 1;
/** How many jobs are looked up in one batch. */
const BATCH = 1_000;
/** A job that the store does not know is lost when this many look-ups in sequence have missed it. */
const MISSES = 3;
/** Seconds that the last words to the store may take. */
const CLOSING = 5;
/** Seconds after which it is told that the store is out of reach. */
const TOLD = 3;
/** Seconds after which all clients have looked up the outcome of a key. */
const SEEN = 5;
/** Seconds for which it is believed that a function is served. */
const SERVED = 10;
/** Seconds between two attempts to reach the store: the first, and the longest. */
const PAUSE = 0.05;
const LONGEST_PAUSE = 2;

/** The settings of a client, in seconds. */
export interface ClientSettings {
  readonly maxPending: number;
  readonly maxQueued: number;
  /** How long the store may be out of reach before the jobs fail. */
  readonly patience: number;
  /** How long after its last sign a client counts as lost. */
  readonly lease: number;
}

/**
 * | state    | meaning                                                | left by                       |
 * |----------|--------------------------------------------------------|-------------------------------|
 * | held     | waits here for a place (`maxPending`)                  | a place, `cancel`             |
 * | sending  | the engine has it, and has not confirmed               | the answer                    |
 * | sent     | the store has it                                       | an outcome                    |
 * | settled  | the job has an outcome                                 | –                             |
 */
type Phase = 'held' | 'sending' | 'sent' | 'settled';

/** A job of the store, as its client sees it. */
interface Entry {
  readonly name: string;
  readonly itinerary: Itinerary;
  /** Those who wait for it: one, or several of the same key. Invariant: not empty before it is settled. */
  readonly jobs: Set<DistributedJob<unknown>>;
  /** Jobs of the same key that were submitted while it was being cancelled. */
  readonly next: DistributedJob<unknown>[];
  isRunning: boolean;
  /** Whether it may be in the store, although that was not confirmed. */
  isTried: boolean;
  phase: Phase;
  /** On the loop's clock: since when it is in this phase. */
  since: number;
  /** Look-ups in sequence that did not find it. */
  misses: number;
  /** Why it was asked to end. */
  ending: 'cancelled' | 'late' | null;
  /** Of the deadline, later of the grace. */
  timer: { cancel(): void } | null;
}

/** Counts for tools: what to alarm on. */
export interface ClientCounts {
  finished: number;
  /** Jobs whose worker was lost. */
  lost: number;
  /** Cancellations that no worker has answered. */
  unacknowledged: number;
  /** Outcomes that were found by a look-up, because the event did not come. */
  reconciled: number;
  /** How many jobs have run at once, at the most, as far as it was told. */
  peakRunning: number;
  /** How many have waited at once, here or in the store, at the most. */
  peakQueued: number;
}

/** The jobs of one executor, from their submission to their outcome. Belongs to a loop. */
export class Client implements JobOwner {
  readonly #loop: EventLoop;
  readonly #engine: Engine;
  readonly #queue: string;
  readonly #settings: ClientSettings;
  readonly #id: string;
  readonly #clock: StoreClock;
  /** All that have no outcome, in order of submission. */
  readonly #entries = new Map<string, Entry>();
  /** Invariant: a part of `#entries`, those in the phase `held`. */
  readonly #held = new Set<Entry>();
  #link: ClientLink | null = null;
  /** The same link as the engine has made it, for calls that nobody waits for; `null` when its methods need a task. */
  #door: ClientLink | null = null;
  #connecting: Promise<ClientLink> | null = null;
  #keeper: Task<void> | null = null;
  #isClosed = false;
  readonly #tasks = new Set<Task<unknown>>();
  /** How many jobs are sent by tasks: those after them wait for their turn. */
  #sending = 0;
  /** Those that were sent without a task and are not confirmed, the first one first. */
  readonly #unconfirmed = new Set<Entry>();
  #confirmedUntil: { cancel(): void } | null = null;
  /** Those whose outcome is known here, with when the store may forget them on the loop's clock. */
  #taken: { readonly id: string; readonly at: number }[] = [];
  /** Names that are served, until when. */
  readonly #served = new Map<string, number>();
  #offers: readonly Offer[] = [];
  #backlog = 0;
  #unreachableSince: number | null = null;
  #isTold = false;
  #isAsked = false;
  #changes = new Set<string>();
  #whenEmpty: (() => void)[] = [];
  #running = 0;
  readonly counts: ClientCounts = {
    finished: 0,
    lost: 0,
    unacknowledged: 0,
    reconciled: 0,
    peakRunning: 0,
    peakQueued: 0,
  };

  constructor(loop: EventLoop, engine: Engine, queue: string, id: string, settings: ClientSettings) {
    this.#loop = loop;
    this.#engine = engine;
    this.#queue = queue;
    this.#id = id;
    this.#settings = settings;
    this.#clock = new StoreClock(loop, async () => (await this.#linked()).clock());
  }

  get loop(): EventLoop {
    return this.#loop;
  }

  get outstanding(): number {
    return this.#entries.size;
  }

  get running(): number {
    return this.#running;
  }

  get workers(): number {
    return this.#offers.length;
  }

  /** Whether a job would wait here for a place. */
  get isFull(): boolean {
    return this.#entries.size >= this.#settings.maxPending || this.#backlog >= this.#settings.maxQueued;
  }

  // ------------------------------------------------------------------------------------------- submission

  add(job: DistributedJob<unknown>): void {
    const { itinerary } = job;
    const known = this.#entries.get(job.id);
    if (known !== undefined && known.ending === null) {
      known.jobs.add(job); // of the same key: it gets the same outcome
      if (known.isRunning) job.markRunning();
      return;
    }
    if (known !== undefined) {
      // The one before it is being cancelled: it begins when that has ended.
      known.next.push(job);
      return;
    }
    const entry: Entry = {
      name: job.name,
      itinerary,
      jobs: new Set([job]),
      next: [],
      isRunning: false,
      isTried: false,
      phase: 'held',
      since: this.#loop.time(),
      misses: 0,
      ending: null,
      timer: null,
    };
    this.#entries.set(job.id, entry);
    this.#held.add(entry);
    this.counts.peakQueued = Math.max(this.counts.peakQueued, this.#entries.size - this.#running);
    const { deadline } = itinerary;
    if (deadline !== null) entry.timer = this.#loop.callAt(deadline, () => this.#end(entry, 'late'));
    this.#keeper ??= this.#start('keeper', () => this.#keep());
    this.#pump();
  }

  #pump(): void {
    for (const entry of this.#held) {
      if (this.#entries.size - this.#held.size >= this.#settings.maxPending) return;
      this.#held.delete(entry);
      this.#enter(entry, 'sending');
      if (!this.#sendAtOnce(entry)) this.#sendInTask(entry);
    }
  }

  /** The usual case, in which nothing has to be asked and waited for: a task costs more than the rest of the way to the engine. */
  #sendAtOnce(entry: Entry): boolean {
    const { itinerary } = entry;
    const { id, work, attempts, isShared } = itinerary;
    const isReady = this.#sending === 0 && this.#settings.maxQueued === Number.POSITIVE_INFINITY;
    if (this.#door === null || !isReady || !this.#clock.isFresh || !this.#isServed(itinerary)) return false;
    const text = itinerary.text(this.#clock.now());
    if (text.length > LARGEST / 4) return false; // it may be too large
    entry.isTried = true;
    this.#unconfirmed.add(entry);
    this.#confirmedUntil ??= this.#loop.callLater(this.#settings.patience, this.#giveUpUnconfirmed);
    this.#door.send({ id, text, name: work.exportName, attempts, isShared }).then(
      () => {
        this.#unconfirmed.delete(entry);
        if (entry.phase === 'sending') this.#enter(entry, 'sent');
      },
      () => {
        // It is tried again, which also tells a refusal.
        if (this.#unconfirmed.delete(entry) && !this.#loop.isClosed()) this.#sendInTask(entry);
      },
    );
    return true;
  }

  /** One timer for all: few are not confirmed within the patience. */
  readonly #giveUpUnconfirmed = (): void => {
    this.#confirmedUntil = null;
    const { patience } = this.#settings;
    for (const entry of this.#unconfirmed) {
      const end = entry.since + patience;
      if (end > this.#loop.time()) {
        this.#confirmedUntil = this.#loop.callAt(end, this.#giveUpUnconfirmed);
        return;
      }
      this.#unconfirmed.delete(entry);
      this.#settle(entry, {
        kind: 'failed',
        error: this.#outOfReach(entry, new Error('it has not confirmed the job')),
      });
    }
  };

  #sendInTask(entry: Entry): void {
    this.#sending++;
    this.#start('send', async () => {
      try {
        await this.#send(entry);
      } finally {
        this.#sending--;
      }
    });
  }

  #enter(entry: Entry, phase: Phase): void {
    entry.phase = phase;
    entry.since = this.#loop.time();
    entry.misses = 0;
  }

  #start<T>(name: string, work: () => Promise<T>): Task<T> {
    // Started at once: a turn of the loop more would be a tenth of the whole way to a worker and back.
    const options = { name: `${this.#queue}: ${name}`, context: new Context(), eagerStart: true };
    const task = createTask(work, options) as Task<T>;
    if (task.done()) return task;
    this.#tasks.add(task as Task<unknown>);
    task.addDoneCallback(() => this.#tasks.delete(task as Task<unknown>));
    return task;
  }

  async #send(entry: Entry): Promise<void> {
    const { name, itinerary } = entry;
    const { id, work, attempts, isShared } = itinerary;
    try {
      await this.#persist(entry, async () => {
        const link = await this.#linked();
        if (!entry.isTried) await this.#checkServed(itinerary, link);
        await this.#waitForRoom(entry, link);
        await this.#clock.compare();
        if (entry.ending !== null || entry.phase !== 'sending') return;
        const text = itinerary.text(this.#clock.now());
        const size = sizeOf(text);
        if (size > LARGEST) throw tooLarge(name, size);
        entry.isTried = true;
        await link.send({ id, text, name: work.exportName, attempts, isShared });
        if (entry.phase === 'sending') this.#enter(entry, 'sent');
      });
      // Cancelled before it was sent: nobody has seen it, unless only the answer of the store was lost.
      if (entry.phase === 'sending') {
        if (entry.isTried) this.#enter(entry, 'sent');
        else this.#settle(entry, { kind: 'ended', acknowledged: true });
      }
    } catch (error) {
      rethrowIfCancelled(error);
      this.#settle(entry, { kind: 'failed', error: error instanceof Refusal ? refused(name, error) : error });
    }
  }

  /** Does something until the store was reached, or the patience is over. */
  async #persist(entry: Entry, act: () => Promise<void>): Promise<void> {
    const end = this.#loop.time() + this.#settings.patience;
    for (let pause = PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      if (entry.phase === 'settled') return;
      try {
        return await timeout(Math.max(0.001, end - this.#loop.time()), act);
      } catch (error) {
        rethrowIfCancelled(error);
        if (error instanceof Refusal || error instanceof RuntimeError || error instanceof TypeError) throw error;
        if (this.#loop.time() + pause >= end) throw this.#outOfReach(entry, error);
      }
      await sleep(pause);
    }
  }

  #outOfReach({ name }: Entry, cause: unknown): StoreLost {
    return new StoreLost(
      `${this.#engine.name} could not be reached for ${this.#settings.patience} s, so ${name}() is given up: ${messageOf(cause)}`,
      { code: 'STORE_UNREACHABLE', cause },
    );
  }

  #isServed({ work }: Itinerary): boolean {
    return (this.#served.get(`${work.url} ${work.exportName}`) ?? 0) > this.#loop.time();
  }

  async #checkServed(itinerary: Itinerary, link: ClientLink): Promise<void> {
    if (this.#isServed(itinerary)) return;
    const { work } = itinerary;
    this.#offers = await link.offers();
    const isServed = this.#offers.some(
      ({ module, names }) => (module === null || module === work.url) && names.includes(work.exportName),
    );
    if (isServed) {
      this.#served.set(`${work.url} ${work.exportName}`, this.#loop.time() + SERVED);
      return;
    }
    if (this.#offers.length === 0) {
      if (this.#engine.features.durable) return; // it waits in the store for a worker that comes later
      throw new NotServed(
        `nobody serves the queue '${this.#queue}' over ${this.#engine.name}: start a worker with serve()`,
        {
          code: 'NO_WORKERS',
        },
      );
    }
    throw new NotServed(
      `${work.exportName}() of ${work.url} is served by no worker of the queue '${this.#queue}': there ` +
        `${this.#offers.length === 1 ? 'is' : 'are'} ${this.#offers.map(told).join('; ')}`,
    );
  }

  async #waitForRoom(entry: Entry, link: ClientLink): Promise<void> {
    const { maxQueued } = this.#settings;
    if (maxQueued === Number.POSITIVE_INFINITY) return;
    for (let pause = PAUSE; entry.ending === null; pause = Math.min(pause * 2, 1)) {
      this.#backlog = await link.backlog();
      if (this.#backlog < maxQueued) return;
      entry.since = this.#loop.time();
      await sleep(pause);
    }
  }

  // -------------------------------------------------------------------------------------------- connection

  #linked(): Promise<ClientLink> {
    if (this.#link !== null) return Promise.resolve(this.#link);
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<ClientLink> {
    try {
      const link = await this.#engine.openClient(this.#queue, this.#events());
      if (this.#isClosed) await link.close(); // it took longer than anybody wanted it
      this.#link = clientLinkOf(this.#engine, link);
      this.#door = this.#engine.features.inLoop === true ? null : link;
      return this.#link;
    } finally {
      this.#connecting = null;
    }
  }

  #events(): ClientEvents {
    const with_ = (id: string, act: (entry: Entry) => void): void => {
      const entry = this.#entries.get(id);
      if (entry !== undefined && !this.#loop.isClosed()) act(entry);
    };
    return {
      started: (id) => with_(id, (entry) => this.#markRunning(entry)),
      settled: (id, reply) => with_(id, (entry) => this.#answered(entry, reply)),
      refused: (id, error) => with_(id, (entry) => this.#settle(entry, { kind: 'failed', error })),
      progress: (id, text) => with_(id, (entry) => this.#progressed(entry, text)),
      changed: (id) =>
        with_(id, () => {
          this.#changes.add(id);
          if (this.#isAsked) return;
          this.#isAsked = true;
          this.#loop.callSoon(() => {
            this.#isAsked = false;
            const ids = [...this.#changes];
            this.#changes = new Set();
            this.#start('look up', () => this.#quietly(() => this.#lookUp(ids, false)));
          });
        }),
    };
  }

  /** The work of each second: a sign of life, a look-up of what is outstanding, and thanks for what has come. */
  async #keep(): Promise<void> {
    let isRenewed = Number.NEGATIVE_INFINITY;
    for (;;) {
      await sleep(BEAT);
      if (this.#entries.size === 0 && this.#taken.length === 0) continue;
      await this.#quietly(async () => {
        const link = await this.#linked();
        if (this.#loop.time() - isRenewed >= this.#settings.lease / 3) {
          await link.renew(this.#id, this.#settings.lease);
          isRenewed = this.#loop.time();
        }
        await this.#clock.compare();
        const sent = [...this.#entries.values()]
          .filter(({ phase }) => phase === 'sent')
          .map(({ itinerary }) => itinerary.id);
        for (let i = 0; i < sent.length; i += BATCH) await this.#lookUp(sent.slice(i, i + BATCH), true);
        await this.#thank(link);
      });
    }
  }

  /** The result of a key stays in the store, for the next of that key; its failure only until all who wait have seen it. */
  #take({ itinerary: { id, isShared } }: Entry, { kind }: Outcome): void {
    if (!isShared) this.#taken.push({ id, at: 0 });
    else if (kind !== 'value') this.#taken.push({ id, at: this.#loop.time() + SEEN });
  }

  async #thank(link: ClientLink): Promise<void> {
    const now = this.#loop.time();
    const due = this.#taken.filter(({ at }) => at <= now);
    if (due.length === 0) return;
    this.#taken = this.#taken.filter(({ at }) => at > now);
    try {
      await link.forget(due.map(({ id }) => id));
    } catch (error) {
      this.#taken.push(...due);
      throw error;
    }
  }

  /** Notes since when the store is out of reach; after the patience, what is outstanding fails. */
  async #quietly(act: () => Promise<void>): Promise<void> {
    const { patience } = this.#settings;
    try {
      await timeout(Math.min(patience, 10), act);
      this.#unreachableSince = null;
      this.#isTold = false;
    } catch (error) {
      rethrowIfCancelled(error);
      this.#unreachableSince ??= this.#loop.time();
      const seconds = this.#loop.time() - this.#unreachableSince;
      if (!this.#isTold && seconds >= TOLD && seconds < patience) {
        this.#isTold = true;
        logger.warn(`${this.#engine.name} cannot be reached, trying again for ${patience} s: ${messageOf(error)}`);
      } else if (seconds >= patience) {
        for (const entry of [...this.#entries.values()]) {
          if (entry.phase === 'sent') this.#settle(entry, { kind: 'failed', error: this.#outOfReach(entry, error) });
        }
      }
    }
  }

  // ------------------------------------------------------------------------------------------------ outcomes

  async #lookUp(ids: readonly string[], isRegular: boolean): Promise<void> {
    const fates = await (await this.#linked()).lookUp(ids);
    for (const id of ids) {
      const entry = this.#entries.get(id);
      // What was sent, or has changed its phase, in the meantime is known better.
      if (entry === undefined || entry.phase !== 'sent') continue;
      const fate = fates.get(id);
      if (fate !== undefined) {
        entry.misses = 0;
        if (isRegular && fate.state === 'settled') this.counts.reconciled++;
        this.#learn(entry, fate);
      } else if (isRegular && ++entry.misses >= MISSES) this.#vanished(entry);
    }
  }

  #learn(entry: Entry, fate: Fate): void {
    switch (fate.state) {
      case 'waiting':
        break;
      case 'running':
        this.#markRunning(entry);
        if (fate.progress !== undefined) this.#progressed(entry, fate.progress);
        break;
      case 'settled':
        this.#answered(entry, fate.reply);
        break;
      case 'lost':
        this.#workerLost(entry, fate.worker);
        break;
    }
  }

  #vanished(entry: Entry): void {
    const { name, itinerary } = entry;
    if (entry.ending !== null) {
      this.#settle(entry, { kind: 'ended', acknowledged: true }); // that is what was wanted
      return;
    }
    this.#settle(entry, {
      kind: 'failed',
      error: new StoreLost(
        `${this.#engine.name} does not know ${name}() any more (job ${itinerary.id}): the store has lost its data, or somebody has removed the job. ` +
          'Whether it has run is not known',
        { code: 'JOB_LOST' },
      ),
    });
  }

  #workerLost(entry: Entry, worker: string): void {
    const { attempts } = entry.itinerary;
    this.counts.lost++;
    const times = attempts === 1 ? '' : `, as ${attempts - 1} before it`;
    const message =
      `the worker ${worker} was lost while it ran ${entry.name}()${times}: it has died, was cut off, or its loop was blocked. ` +
      `The function may have run in part${this.#engine.features.durable ? '; write with({ retries: 1 }) if it may be run again' : ''}`;
    this.#settle(entry, { kind: 'failed', error: new WorkerLost(message, worker) });
  }

  #markRunning(entry: Entry): void {
    if (entry.isRunning) return;
    entry.isRunning = true;
    this.#running++;
    this.counts.peakRunning = Math.max(this.counts.peakRunning, this.#running);
    for (const job of entry.jobs) job.markRunning();
  }

  #progressed({ name, jobs }: Entry, text: string): void {
    try {
      const { n, value } = JSON.parse(text) as { n: number; value: unknown };
      const told = unpack(decode(value));
      for (const job of jobs) job.report(n, told);
    } catch (error) {
      logger.warn(`a report of ${name}() cannot be read: ${messageOf(error)}`);
    }
  }

  #answered(entry: Entry, text: string): void {
    let answer: Answer & { readonly worker: string };
    try {
      answer = readAnswer(text);
    } catch (error) {
      this.#settle(entry, { kind: 'failed', error });
      return;
    }
    if ('spent' in answer) this.#workerLost(entry, answer.worker);
    else if ('cancelled' in answer) this.#settle(entry, { kind: 'ended', acknowledged: true });
    else this.#settle(entry, this.#outcome(entry, answer));
  }

  #outcome({ itinerary }: Entry, answer: Exclude<Answer, { cancelled: true } | { spent: true }>): Outcome {
    if ('value' in answer) {
      try {
        return { kind: 'value', value: unpack(decode(answer.value)) };
      } catch (error) {
        return { kind: 'failed', error };
      }
    }
    return { kind: 'failed', error: failure(itinerary, answer) };
  }

  #settle(entry: Entry, outcome: Outcome): void {
    if (entry.phase === 'settled') return;
    const { id } = entry.itinerary;
    entry.timer?.cancel();
    this.#held.delete(entry);
    if (entry.phase === 'sent') this.#take(entry, outcome);
    this.#enter(entry, 'settled');
    this.#entries.delete(id);
    if (entry.isRunning) this.#running--;
    if (outcome.kind === 'ended' && !outcome.acknowledged) this.counts.unacknowledged++;
    for (const job of entry.jobs) this.#finish(job, entry, outcome);
    for (const job of entry.next) this.add(job);
    this.#pump();
    if (this.#entries.size === 0) for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  #finish(job: DistributedJob<unknown>, { ending }: Entry, outcome: Outcome): void {
    const isOpen = outcome.kind === 'ended' && !outcome.acknowledged;
    if (ending === 'late') job.fail(late(job.name, isOpen));
    else if (ending === 'cancelled' || outcome.kind === 'ended') job.endCancelled(!isOpen);
    else if (outcome.kind === 'value') job.succeed(outcome.value);
    else job.fail(outcome.error);
    if (!job.cancelled()) this.counts.finished++;
  }

  // -------------------------------------------------------------------------------------------- cancellation

  cancel(job: DistributedJob<unknown>): void {
    const entry = this.#entries.get(job.id);
    if (entry?.jobs.has(job) === true && entry.jobs.size === 1) {
      this.#end(entry, 'cancelled');
      return;
    }
    // Others wait for the same: the work goes on, and only this one ends.
    entry?.jobs.delete(job);
    const at = entry?.next.indexOf(job) ?? -1;
    if (at >= 0) entry!.next.splice(at, 1);
    job.endCancelled(true);
  }

  #end(entry: Entry, why: 'cancelled' | 'late'): void {
    if (entry.phase === 'settled') return;
    // A deadline that has begun to end it can become a cancellation, but not the other way round.
    if (entry.ending !== null) {
      if (why === 'cancelled') entry.ending = why;
      return;
    }
    entry.ending = why;
    entry.timer?.cancel();
    if (entry.phase === 'held') {
      this.#settle(entry, { kind: 'ended', acknowledged: true });
      return;
    }
    const { grace } = entry.itinerary;
    entry.timer = this.#loop.callLater(grace, () => this.#settle(entry, { kind: 'ended', acknowledged: false }));
    this.#start('cancel', () => this.#cancelThere(entry));
  }

  async #cancelThere(entry: Entry): Promise<void> {
    const { id } = entry.itinerary;
    const end = this.#loop.time() + this.#settings.patience;
    for (let pause = PAUSE; this.#loop.time() < end; pause = Math.min(pause * 2, 1)) {
      if (entry.phase === 'sent' || entry.phase === 'settled') {
        try {
          const link = await this.#linked();
          if (await link.remove(id)) this.#settle(entry, { kind: 'ended', acknowledged: true });
          else await link.cancel(id);
          return;
        } catch (error) {
          rethrowIfCancelled(error); // otherwise the store is out of reach: try again
        }
      }
      await sleep(pause);
    }
  }

  checkProgress(): void {
    if (!this.#engine.features.progress) throw noProgress(this.#engine.name);
  }

  // ------------------------------------------------------------------------------------------------ end

  cancelWaiting(): void {
    for (const { isRunning, jobs } of [...this.#entries.values()])
      if (!isRunning) for (const job of [...jobs]) job.cancel();
  }

  /** When no job is outstanding. */
  async empty(): Promise<void> {
    if (this.#entries.size === 0) return;
    const wait = newWait(this.#loop, { operation: 'shutdown', object: this });
    this.#whenEmpty.push(() => release(wait));
    await wait;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const tasks = [...this.#tasks];
    for (const task of tasks) task.cancel();
    const link = this.#link;
    this.#link = null;
    this.#door = null;
    this.#confirmedUntil?.cancel();
    if (link !== null) {
      try {
        await timeout(CLOSING, () => this.#thank(link));
      } catch (error) {
        rethrowIfCancelled(error); // what was kept for the outcomes goes by its age
      }
      await link.close();
    }
    if (tasks.length > 0) await wait(tasks, { timeout: CLOSING });
  }
}

type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'ended'; readonly acknowledged: boolean };

function told({ worker, module, names }: Offer): string {
  return `${worker} with ${names.join(', ')}${module === null ? '' : ` of ${module}`}`;
}

function tooLarge(name: string, size: number): RuntimeError {
  return new RuntimeError(
    `the arguments of ${name}() take ${size} bytes, and ${LARGEST} is the most that is sent: put them into a file or a store, and send where they are`,
    { code: 'TOO_LARGE' },
  );
}

function refused(name: string, { message, code, cause }: Refusal): RuntimeError {
  return new RuntimeError(`${name}() was not sent: ${message}`, { code, cause });
}

function late(name: string, isOpen: boolean): TimeoutError {
  const rest = isOpen ? '; its worker has not answered, so it may still run' : '';
  return new TimeoutError(`${name}() has not ended at its deadline${rest}`, { code: 'DEADLINE' });
}

/** The error for a program; the same as for threads where there is the same reason. */
function failure(
  { work }: Itinerary,
  answer: Exclude<Answer, { cancelled: true } | { spent: true } | { value: unknown }>,
): unknown {
  const { exportName: name } = work;
  if ('failure' in answer) {
    try {
      const { failure: kind, detail } = answer;
      const failed = { failure: kind, error: decode(answer.error), ...(detail === undefined ? {} : { detail }) };
      return failureOf(work, failed, StoreLost);
    } catch (error) {
      return error;
    }
  }
  if ('late' in answer) {
    return new TimeoutError(
      answer.isStarted
        ? `${name}() has not ended at its deadline`
        : `${name}() was not started: it reached a worker after its deadline`,
      { code: answer.isStarted ? 'DEADLINE' : 'LATE' },
    );
  }
  if ('orphaned' in answer) {
    return new RuntimeError(`${name}() was ended, because this client has given no sign of life for too long`, {
      code: 'CLIENT_LOST',
    });
  }
  return new NotServed(`${name}() was refused by its worker: ${answer.detail}`, {
    code: answer.refused === 'version' ? 'OTHER_VERSION' : 'NOT_SERVED',
  });
}
