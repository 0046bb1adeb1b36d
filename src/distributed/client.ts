import { isCancelledError } from '../errors/errors.ts';
import { RuntimeError, rethrowIfCancelled, TimeoutError } from '../errors/index.ts';
import { Context, createTask, shared, sleep, timeout, wait, wrapPromise } from '../index.ts';
import { type EventLoop, isLoopClosed, logger, newWait, release, type Task } from '../kernel/lowlevel.ts';
import { messageOf, unpack } from '../node/border/index.ts';
import { failureOf } from '../node/executors/failures.ts';
import { earliest } from '../tasks/deadline-around.ts';
import type { ClientCounts } from './client-counts.ts';
import { decode } from './codec.ts';
import type { ClientEvents, ClientLink, Consignment, Engine, Fate, Offer } from './engine.ts';
import { Refusal } from './engine.ts';
import { type Answer, LARGEST, readAnswer, sizeOf } from './envelope.ts';
import { NotServed, StoreLost, WorkerLost } from './errors.ts';
import type { CancelledEnd, DistributedJob, Itinerary, JobOwner } from './job.ts';
import { noProgress } from './progress.ts';
import { StoreClock } from './store-clock.ts';
import { clientLinkOf, closed } from './wrapped-links.ts';

/** Seconds between two look-ups of what is outstanding, and signs of life; fewer when the lease is short. */
const BEAT = 1;
/** How many jobs are looked up in one batch. */
const BATCH = 1_000;
/** A job that the store does not know is lost when this many look-ups in sequence have missed it. */
const MISSES = 3;
/** Seconds that the last words to the store may take. */
const CLOSING = 5;
/** Seconds after which it is told that the store is out of reach. */
const TOLD = 3;
/** Seconds for which it is believed that a function is served. */
const SERVED = 10;
/** Seconds between two attempts to reach the store: the first, and the longest. */
const PAUSE = 0.05;
const LONGEST_PAUSE = 2;
/** What is less than so many seconds away is now. */
const SOON = 0.001;

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
 * | held     | waits here for a place (`maxPending`, `maxQueued`)     | a place, `cancel`             |
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
  /** Jobs of the same key that were submitted while it was being cancelled, with the timers of their deadlines. */
  next: Map<DistributedJob<unknown>, { cancel(): void } | null> | null;
  isRunning: boolean;
  /** Whether it may be in the store, although that was not confirmed. */
  isTried: boolean;
  /** Whether the engine is sending it. Until it has answered, its connection may send it once more, after an outage. */
  isOnItsWay: boolean;
  phase: Phase;
  /** On the loop's clock: since when it is in this phase. */
  since: number;
  /** Look-ups in sequence that did not find it. */
  misses: number;
  /** Whether this client may have taken it away from the store. */
  mayBeRemoved: boolean;
  /** Why it was asked to end. */
  ending: 'cancelled' | 'late' | null;
  /** Of `jobs`, those that were cancelled after a deadline had begun to end it. */
  givenUp: Set<DistributedJob<unknown>> | null;
  /** Of the deadline, later of the grace. */
  timer: { cancel(): void } | null;
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
  /** Of those that have a key, by it; the latest of each. */
  readonly #keyed = new Map<string, Entry>();
  /** Invariant: a part of `#entries`, those in the phase `held`. */
  readonly #held = new Set<Entry>();
  #link: ClientLink | null = null;
  /** The same link as the engine has made it, for calls that nobody waits for; `null` when its methods need a task. */
  #door: ClientLink | null = null;
  /** While it is being opened: it goes on when all who wait for it have given up. */
  #opening: Promise<ClientLink> | null = null;
  #keeper: Task<void> | null = null;
  readonly #tasks = new Set<Task<unknown>>();
  /** How many jobs are sent by tasks: those after them wait for their turn. */
  #sending = 0;
  /** Those without an outcome that were sent without a task and are not confirmed, the first one first. */
  readonly #unconfirmed = new Set<Entry>();
  #confirmedUntil: { cancel(): void } | null = null;
  /** Those whose outcome is known here, which the store need not keep any more. */
  #taken: string[] = [];
  /** Those that the store keeps for others, and that are not wanted here any more. */
  #left: string[] = [];
  /** Names that are served, until when. */
  readonly #served = new Map<string, number>();
  #offers: readonly Offer[] = [];
  /** On the loop's clock: when the last sign of life was given. */
  #renewed = Number.NEGATIVE_INFINITY;
  /** Whether the store had no room when it was asked last. */
  #isStoreFull = false;
  /** Lets jobs into the store while it has a limit. */
  #porter: Task<void> | null = null;
  #unreachableSince: number | null = null;
  #isTold = false;
  #isAsked = false;
  #changes = new Set<string>();
  #whenEmpty: (() => void)[] = [];
  /** How many jobs have got an id. */
  #submitted = 0;
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

  /** Whether a job would wait here for the end of an earlier one of its key, which is being ended. */
  hasToWaitFor({ id }: { readonly id: string }): boolean {
    return (this.#entries.get(id)?.ending ?? null) !== null;
  }

  /** Whether a job would wait here for a place, by what is known of the store. One of a key that is outstanding needs none. */
  isFullFor({ id }: { readonly id: string }): boolean {
    if (this.#entries.has(id)) return false;
    return this.#entries.size >= this.#settings.maxPending || (this.#isStoreFull && this.#held.size > 0);
  }

  // ------------------------------------------------------------------------------------------- submission

  /**
   * The id of a job: for a key, that of the job of the key. Where nothing is stored it is that of the job under way, because workers remember old
   * jobs by their ids.
   */
  idOf(key: string | null): string {
    if (key === null) return this.#newId();
    if (this.#engine.features.durable) return `key-${Buffer.from(key).toString('base64url')}`;
    const known = this.#keyed.get(key);
    return known === undefined || known.ending !== null ? this.#newId() : known.itinerary.id;
  }

  /** By the client, whose id is random, and a number: random numbers for each job are a good part of what it costs. */
  #newId(): string {
    return `${this.#id}-${(++this.#submitted).toString(36)}`;
  }

  add(job: DistributedJob<unknown>): void {
    const { itinerary } = job;
    const known = this.#entries.get(job.id);
    if (known !== undefined && known.ending === null) {
      known.jobs.add(job); // of the same key: it gets the same outcome
      if (known.isRunning) job.markRunning();
      this.#watch(known);
      return;
    }
    if (known !== undefined) {
      // The one before it is being cancelled: it begins when that has ended.
      const { deadline } = itinerary;
      const late = (): void => {
        known.next?.delete(job);
        this.#failLate(job);
      };
      known.next ??= new Map();
      known.next.set(job, deadline === null ? null : this.#loop.callAt(deadline, late));
      return;
    }
    const entry: Entry = {
      name: job.name,
      itinerary,
      jobs: new Set([job]),
      next: null,
      isRunning: false,
      isTried: false,
      isOnItsWay: false,
      phase: 'held',
      since: this.#loop.time(),
      misses: 0,
      mayBeRemoved: false,
      ending: null,
      givenUp: null,
      timer: null,
    };
    this.#entries.set(job.id, entry);
    this.#held.add(entry);
    this.counts.peakQueued = Math.max(this.counts.peakQueued, this.#entries.size - this.#running);
    if (itinerary.key !== null) this.#keyed.set(itinerary.key, entry);
    this.#watch(entry);
    this.#keeper ??= this.#start('keeper', () => this.#keep());
    this.#pump();
  }

  /** Sets the timer for the next deadline of those who wait. */
  #watch(entry: Entry): void {
    entry.timer?.cancel();
    entry.timer = null;
    let next: number | null = null;
    for (const { itinerary } of entry.jobs) next = earliest(next, itinerary.deadline);
    if (next !== null) entry.timer = this.#loop.callAt(next, () => this.#late(entry, next));
  }

  #late(entry: Entry, now: number): void {
    const { jobs } = entry;
    const late = [...jobs].filter(({ itinerary: { deadline } }) => deadline !== null && deadline <= now);
    if (late.length === jobs.size) {
      this.#end(entry, 'late');
      return;
    }
    for (const job of late) {
      jobs.delete(job);
      this.#failLate(job);
    }
    this.#watch(entry);
  }

  #failLate(job: DistributedJob<unknown>): void {
    job.fail(tooLate(job.name, 'over'));
    this.counts.finished++;
  }

  #pump(): void {
    if (this.#settings.maxQueued === Number.POSITIVE_INFINITY) this.#admit(Number.POSITIVE_INFINITY);
    else if (this.#held.size > 0 && this.#places > 0) this.#porter ??= this.#start('admit', () => this.#admitAll());
  }

  /** How many more of this client may be in the store. */
  get #places(): number {
    return this.#settings.maxPending - (this.#entries.size - this.#held.size);
  }

  /** Sends those that were held longest. Returns how many. */
  #admit(most: number): number {
    let admitted = 0;
    for (const entry of this.#held) {
      if (admitted >= most || this.#places <= 0) break;
      this.#held.delete(entry);
      this.#enter(entry, 'sending');
      if (!this.#sendAtOnce(entry)) this.#sendInTask(entry);
      admitted++;
    }
    return admitted;
  }

  /** Asks how much room the store has for as long as jobs are held for that reason: one question for all of them, so that their order is kept. */
  async #admitAll(): Promise<void> {
    const { maxQueued } = this.#settings;
    for (let pause = PAUSE; this.#places > 0; ) {
      const [first] = this.#held;
      if (first === undefined) break;
      let room = 0;
      try {
        await this.#persist(first, this.#loop.time(), async () => {
          room = maxQueued - (await (await this.#linked()).backlog());
        });
      } catch (error) {
        rethrowIfCancelled(error);
        for (const entry of [...this.#held])
          this.#settle(entry, { kind: 'failed', error: this.#notSent(entry, error) });
        break;
      }
      for (const { phase } of this.#entries.values()) if (phase === 'sending') room--; // may not be counted there so far
      this.#isStoreFull = room <= 0;
      if (this.#admit(room) > 0) pause = PAUSE;
      else {
        await sleep(pause);
        pause = Math.min(pause * 2, BEAT);
      }
    }
    this.#porter = null;
  }

  /** The usual case, in which nothing has to be asked and waited for: a task costs more than the rest of the way to the engine. */
  #sendAtOnce(entry: Entry): boolean {
    const { itinerary } = entry;
    const { id, work, attempts } = itinerary;
    const hasToAsk =
      this.#isShared(itinerary) || !this.#isServed(itinerary) || !this.#clock.isFresh || this.#hasToRenew;
    if (this.#door === null || this.#sending > 0 || hasToAsk) return false;
    const text = itinerary.text(this.#clock.now());
    if (text.length > LARGEST / 4) return false; // it may be too large
    entry.isTried = true;
    entry.isOnItsWay = true;
    this.#unconfirmed.add(entry);
    this.#confirmedUntil ??= this.#loop.callLater(this.#settings.patience, this.#giveUpUnconfirmed);
    this.#door.send({ id, text, name: work.exportName, attempts, sharer: null }).then(
      () => {
        this.#unconfirmed.delete(entry);
        this.#arrived(entry);
        if (entry.phase === 'sending') this.#enter(entry, 'sent');
      },
      () => {
        this.#arrived(entry);
        // It is tried again, which also tells a refusal.
        if (this.#unconfirmed.delete(entry) && !isLoopClosed(this.#loop)) this.#sendInTask(entry);
      },
    );
    return true;
  }

  /** What was settled in the meantime can be forgotten only now: it would be another job for a store that does not know it any more. */
  #arrived(entry: Entry): void {
    entry.isOnItsWay = false;
    if (entry.phase === 'settled') this.#take(entry);
  }

  /** One timer for all: few are not confirmed within the patience. */
  readonly #giveUpUnconfirmed = (): void => {
    const { patience } = this.#settings;
    for (const entry of this.#unconfirmed) {
      const end = entry.since + patience;
      if (end > this.#loop.time()) {
        this.#confirmedUntil = this.#loop.callAt(end, this.#giveUpUnconfirmed);
        return;
      }
      this.#settle(entry, {
        kind: 'failed',
        error: this.#outOfReach(entry, new Error('it has not confirmed the job')),
      });
    }
    this.#confirmedUntil = null; // not before the end: what is given up makes room for others, which would set a second timer
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
    const { itinerary } = entry;
    try {
      await this.#persist(entry, entry.since, async () => {
        const link = await this.#linked();
        if (!entry.isTried) await this.#checkServed(itinerary, link);
        await this.#clock.compare();
        // Before the job, so that no worker sees one of a client that has no lease, or whose lease has ended while it had no jobs.
        await this.#renew();
        if (!entry.isTried && this.#isShared(itinerary) && (await this.#isDone(entry, link))) return;
        if (entry.ending !== null || entry.phase !== 'sending') return;
        const consignment = this.#consignment(entry);
        entry.isTried = true;
        entry.isOnItsWay = true;
        try {
          await link.send(consignment);
        } finally {
          this.#arrived(entry);
        }
        if (entry.phase === 'sending') this.#enter(entry, 'sent');
      });
      // Cancelled before it was sent: nobody has seen it, unless only the answer of the store was lost.
      if (entry.phase === 'sending') {
        if (entry.isTried) this.#enter(entry, 'sent');
        else this.#settle(entry, { kind: 'ended', as: 'over' });
      }
    } catch (error) {
      rethrowIfCancelled(error);
      this.#settle(entry, { kind: 'failed', error: this.#notSent(entry, error) });
    }
  }

  #notSent(entry: Entry, error: unknown): unknown {
    if (error instanceof Refusal) return refused(entry.name, error);
    return error instanceof StoreLost ? this.#outOfReach(entry, error.cause) : error;
  }

  /** @throws {RuntimeError} when it is too large */
  #consignment({ name, itinerary }: Entry): Consignment {
    const { id, work, attempts } = itinerary;
    const text = itinerary.text(this.#clock.now());
    const size = sizeOf(text);
    if (size > LARGEST) throw tooLarge(name, size);
    return { id, text, name: work.exportName, attempts, sharer: this.#isShared(itinerary) ? this.#id : null };
  }

  /** Whether other clients may have the same job. */
  #isShared({ key }: Itinerary): boolean {
    return key !== null && this.#engine.features.durable;
  }

  /**
   * Whether the result of a key is there. An earlier failure of it, an earlier end, and what was lost with its worker are taken away: they are not kept
   * for those who come later.
   */
  async #isDone(entry: Entry, link: ClientLink): Promise<boolean> {
    const { id } = entry.itinerary;
    const fate = (await link.lookUp([id])).get(id);
    if (fate?.state === 'settled' && 'value' in readAnswer(fate.reply)) {
      this.#answered(entry, fate.reply);
      return true;
    }
    if (fate !== undefined) await link.discard(id, fate.state === 'settled' ? fate.reply : null);
    return false;
  }

  /** Sends a job of a key once more: another client has ended it, or taken it away, before it knew of this one. */
  #again(entry: Entry): void {
    if (entry.isRunning) this.#running--;
    entry.isRunning = false;
    entry.isTried = false;
    this.#enter(entry, 'sending');
    this.#sendInTask(entry);
  }

  /** Does something until the store was reached, or the patience is over, which begins at `since`. The last attempt is at its end. */
  async #persist(entry: Entry, since: number, act: () => Promise<void>): Promise<void> {
    const end = since + this.#settings.patience;
    for (let pause = PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      if (entry.phase === 'settled') return;
      try {
        return await timeout(Math.max(PAUSE, end - this.#loop.time()), act);
      } catch (error) {
        rethrowIfCancelled(error);
        if (error instanceof Refusal || error instanceof RuntimeError || error instanceof TypeError) throw error;
        if (end - this.#loop.time() < SOON) throw this.#outOfReach(entry, error);
      }
      await sleep(Math.min(pause, Math.max(0, end - this.#loop.time())));
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

  // -------------------------------------------------------------------------------------------- connection

  async #linked(): Promise<ClientLink> {
    return this.#link ?? (await this.#connected());
  }

  /** One connection for all who wait for it, each as long as its patience lasts. */
  readonly #connected = shared(async () => {
    const { inLoop = false } = this.#engine.features;
    this.#opening ??= this.#engine.openClient(this.#queue, this.#events());
    try {
      const link = await (inLoop ? this.#opening : wrapPromise(this.#opening));
      this.#link = clientLinkOf(this.#engine, link);
      this.#door = inLoop ? null : link;
    } catch (error) {
      if (inLoop || !isCancelledError(error)) this.#opening = null;
      throw error;
    }
    this.#opening = null;
    return this.#link;
  });

  #events(): ClientEvents {
    const with_ = (id: string, act: (entry: Entry) => void): void => {
      const entry = this.#entries.get(id);
      if (entry !== undefined && !isLoopClosed(this.#loop)) act(entry);
    };
    return {
      started: (id) => with_(id, (entry) => this.#markRunning(entry)),
      settled: (id, reply) =>
        with_(id, (entry) => {
          // That of a job of the same key which has ended before this one was sent is not its own.
          if (entry.isTried || entry.phase === 'sent') this.#answered(entry, reply);
        }),
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
    const beat = Math.min(BEAT, this.#settings.lease / 3);
    for (;;) {
      await sleep(beat);
      if (this.#entries.size === 0 && this.#taken.length === 0 && this.#left.length === 0) continue;
      await this.#quietly(async () => {
        const link = await this.#linked();
        await this.#renew();
        await this.#clock.compare();
        const sent = [...this.#entries.values()]
          .filter(({ phase }) => phase === 'sent')
          .map(({ itinerary }) => itinerary.id);
        for (let i = 0; i < sent.length; i += BATCH) await this.#lookUp(sent.slice(i, i + BATCH), true);
        await this.#thank(link);
      });
    }
  }

  async #renew(): Promise<void> {
    if (this.#hasToRenew) await this.#giveSign();
  }

  get #hasToRenew(): boolean {
    return this.#loop.time() - this.#renewed >= this.#settings.lease / 3;
  }

  /** Many jobs that are sent at once need one. */
  readonly #giveSign = shared(async () => {
    const link = await this.#linked();
    await link.renew(this.#id, this.#settings.lease);
    this.#renewed = this.#loop.time();
  });

  /** What it has of the store can go. The result of a key stays there, for the next of that key. */
  #take({ itinerary }: Entry): void {
    (this.#isShared(itinerary) ? this.#left : this.#taken).push(itinerary.id);
  }

  async #thank(link: ClientLink): Promise<void> {
    const [taken, left] = [this.#taken, this.#left];
    this.#taken = [];
    this.#left = [];
    try {
      if (taken.length > 0) await link.forget(taken);
      // One that was submitted again in the meantime is wanted again.
      const unwanted = left.filter((id) => !this.#entries.has(id));
      if (unwanted.length > 0) await link.leave(unwanted, this.#id);
    } catch (error) {
      this.#taken.push(...taken);
      this.#left.push(...left);
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
      this.#settle(entry, { kind: 'ended', as: this.#endOfGone(entry) });
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

  #workerLost(entry: Entry, worker: string, isStopped = false): void {
    const { attempts } = entry.itinerary;
    this.counts.lost++;
    const times = attempts === 1 ? '' : `, as ${attempts - 1} before it`;
    const what = isStopped
      ? `the worker ${worker} has stopped before it had finished ${entry.name}()${times}: it was cancelled there`
      : `the worker ${worker} was lost while it ran ${entry.name}()${times}: it has died, was cut off, or its loop was blocked`;
    const advice = this.#engine.features.durable ? `; write with({ retries: ${attempts} }) if it may be run again` : '';
    const message = `${what}. The function may have run in part${advice}`;
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
    if ('spent' in answer) this.#workerLost(entry, answer.worker, answer.isStopped);
    else if (!('cancelled' in answer)) this.#settle(entry, this.#outcome(entry, answer));
    else if (entry.ending === null && this.#isShared(entry.itinerary)) this.#again(entry);
    else this.#settle(entry, { kind: 'ended', as: 'over' });
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
    const { id, key } = entry.itinerary;
    entry.timer?.cancel();
    this.#held.delete(entry);
    this.#unconfirmed.delete(entry);
    // One of a key may be noted as wanted from an earlier attempt.
    const mayBeThere = entry.phase === 'sent' || entry.isTried || this.#isShared(entry.itinerary);
    if (mayBeThere && !entry.isOnItsWay) this.#take(entry);
    this.#enter(entry, 'settled');
    this.#entries.delete(id);
    if (key !== null && this.#keyed.get(key) === entry) this.#keyed.delete(key);
    if (entry.isRunning) this.#running--;
    if (outcome.kind === 'ended' && outcome.as !== 'over') this.counts.unacknowledged++;
    for (const job of entry.jobs) this.#finish(job, entry, outcome);
    for (const [job, timer] of entry.next ?? []) {
      timer?.cancel();
      this.add(job);
    }
    this.#pump();
    if (this.#entries.size === 0) for (const tell of this.#whenEmpty.splice(0)) tell();
  }

  #finish(job: DistributedJob<unknown>, { ending, givenUp }: Entry, outcome: Outcome): void {
    const end = outcome.kind === 'ended' ? outcome.as : 'over';
    if (ending === 'late' && givenUp?.has(job) !== true) job.fail(tooLate(job.name, end));
    else if (ending !== null || outcome.kind === 'ended') job.endCancelled(end);
    else if (outcome.kind === 'value') job.succeed(outcome.value);
    else job.fail(outcome.error);
    if (!job.cancelled()) this.counts.finished++;
  }

  // -------------------------------------------------------------------------------------------- cancellation

  cancel(job: DistributedJob<unknown>): void {
    const entry = this.#entries.get(job.id);
    if (entry?.jobs.has(job) === true) {
      if (entry.ending !== null) {
        // The work is being ended already, and this job is over when that is.
        entry.givenUp ??= new Set();
        entry.givenUp.add(job);
        return;
      }
      if (entry.jobs.size === 1) {
        this.#end(entry, 'cancelled');
        return;
      }
    }
    // Others wait for the same: the work goes on, and only this one ends.
    entry?.jobs.delete(job);
    entry?.next?.get(job)?.cancel();
    entry?.next?.delete(job);
    job.endCancelled('over');
  }

  #end(entry: Entry, why: 'cancelled' | 'late'): void {
    if (entry.phase === 'settled' || entry.ending !== null) return;
    entry.ending = why;
    entry.timer?.cancel();
    // Nobody has seen it, and nobody will: whoever is about to send it looks here first.
    if (entry.phase === 'held' || (entry.phase === 'sending' && !entry.isTried)) {
      this.#settle(entry, { kind: 'ended', as: 'over' });
      return;
    }
    const { grace } = entry.itinerary;
    entry.timer = this.#loop.callLater(grace, () => this.#settle(entry, { kind: 'ended', as: 'silent' }));
    this.#start('cancel', () => this.#cancelThere(entry));
  }

  async #cancelThere(entry: Entry): Promise<void> {
    const end = this.#loop.time() + this.#settings.patience;
    for (let pause = PAUSE; this.#loop.time() < end; pause = Math.min(pause * 2, 1)) {
      if (entry.phase === 'sent' || entry.phase === 'settled') {
        try {
          await this.#endThere(entry, await this.#linked());
          return;
        } catch (error) {
          rethrowIfCancelled(error); // otherwise the store is out of reach: try again
        }
      }
      await sleep(pause);
    }
  }

  async #endThere(entry: Entry, link: ClientLink): Promise<void> {
    const { itinerary } = entry;
    const { id } = itinerary;
    const isShared = this.#isShared(itinerary);
    if (isShared) await link.leave([id], this.#id);
    const isKept = isShared && (await link.isWanted(id)); // it goes on, for others
    let end: CancelledEnd | null = isKept ? 'over' : null;
    // An earlier attempt may have taken it away before the store could not be reached any more.
    if (isKept && entry.mayBeRemoved) await link.send({ ...this.#consignment(entry), sharer: null });
    if (!isKept) {
      entry.mayBeRemoved = true;
      end = await this.#removeThere(entry, link);
      if (end === null) await link.cancel(id);
      // Whoever came between the question and the removal counts on a job that is gone.
      else if (isShared && (await link.isWanted(id))) await link.send({ ...this.#consignment(entry), sharer: null });
    }
    if (end !== null) this.#settle(entry, { kind: 'ended', as: end });
  }

  /** What is known when it is gone from the store; `null` when a worker has it, or may have it. */
  async #removeThere(entry: Entry, link: ClientLink): Promise<CancelledEnd | null> {
    switch (await link.remove(entry.itinerary.id)) {
      case 'removed':
        return 'over';
      case 'started':
        this.#markRunning(entry); // for the next attempt, if this one fails before its end
        return 'lost';
      case 'unknown':
        return this.#engine.features.durable ? this.#endOfGone(entry) : null;
      case 'held':
        return null;
    }
  }

  /** Of one that is to end, and that the store does not know any more: an earlier attempt has removed it, or the data are lost. */
  #endOfGone({ isRunning }: Entry): CancelledEnd {
    return isRunning ? 'lost' : 'over';
  }

  checkProgress(): void {
    if (!this.#engine.features.progress) throw noProgress(this.#engine.name);
  }

  // ------------------------------------------------------------------------------------------------ end

  cancelWaiting(): void {
    for (const { isRunning, jobs, next } of [...this.#entries.values()]) {
      for (const job of [...(next?.keys() ?? [])]) job.cancel();
      if (!isRunning) for (const job of [...jobs]) job.cancel();
    }
  }

  /** When no job is outstanding. */
  async empty(): Promise<void> {
    if (this.#entries.size === 0) return;
    const wait = newWait(this.#loop, { operation: 'shutdown', object: this });
    this.#whenEmpty.push(() => release(wait));
    await wait;
  }

  async close(): Promise<void> {
    const tasks = [...this.#tasks];
    for (const task of tasks) task.cancel();
    const link = this.#link;
    this.#link = null;
    this.#door = null;
    this.#confirmedUntil?.cancel();
    this.#opening?.then(
      (late) => late.close(), // nobody wants it any more
      () => {},
    );
    if (link !== null) {
      try {
        await timeout(CLOSING, () => this.#thank(link));
      } catch (error) {
        rethrowIfCancelled(error); // what was kept for the outcomes goes by its age
      }
      await closed(link, `a client of ${this.#engine.name}`);
    }
    if (tasks.length > 0) await wait(tasks, { timeout: CLOSING });
  }
}

type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** After it was asked to end. */
  | { readonly kind: 'ended'; readonly as: CancelledEnd };

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

function tooLate(name: string, end: CancelledEnd): TimeoutError {
  const rest = {
    over: '',
    silent: '; its worker has not answered, so it may still run',
    lost: '; a worker that counts as lost had started it, so it may still run there',
  }[end];
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
        : `${name}() was not started before its deadline: it had to wait for a worker, or in one, for too long`,
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
