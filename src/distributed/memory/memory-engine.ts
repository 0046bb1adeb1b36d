import { Context, sleep, wait } from '../../index.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { checkOptions } from '../../internal/options.ts';
import { type EventLoop, type Future, getRunningLoop, newWait, release, type Task } from '../../kernel/lowlevel.ts';
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
} from '../engine.ts';
import { NotServed } from '../errors.ts';

/** What goes wrong in a `MemoryEngine`. Chances are from 0 to 1; what is random is the same for the same `seed`. */
export interface MemoryFaults {
  /** How long each call and each event takes: from, to. Events that take different times overtake each other. */
  readonly delay?: readonly [Duration, Duration] | undefined;
  /** The chance that an event is lost. */
  readonly lose?: number | undefined;
  /** The chance that an event comes twice. */
  readonly duplicate?: number | undefined;
  /** The chance that a call fails although the store has done it: the answer is lost. */
  readonly fail?: number | undefined;
}

/** Options of a `MemoryEngine`. */
export interface MemoryEngineOptions {
  readonly faults?: MemoryFaults | undefined;
  readonly seed?: number | undefined;
  /** `false`: at most once and nothing is kept, as over NATS; `true` when absent. */
  readonly durable?: boolean | undefined;
}

interface StoredJob {
  readonly consignment: Consignment;
  state: 'waiting' | 'running' | 'settled' | 'lost';
  /** How often it was started. */
  starts: number;
  /** How often it was given to a worker: more often than `starts` when one has given it back unstarted. */
  gives: number;
  worker: MemoryWorker | null;
  /** The name of the last worker. */
  workerName: string;
  reply: string | null;
  progress: string | null;
  isCancelled: boolean;
}

/** All of one queue. */
class Queue {
  /** Whether jobs wait although nobody serves them. */
  readonly isDurable: boolean;
  readonly jobs = new Map<string, StoredJob>();
  /** In order of arrival. */
  readonly waiting = new Set<StoredJob>();
  readonly workers = new Set<MemoryWorker>();
  readonly clients = new Set<MemoryClient>();
  /** When the lease of each client ends, on the loop's clock. */
  readonly leases = new Map<string, number>();
  /** The clients that want a shared job. */
  readonly wanted = new Map<string, Set<string>>();
  /** Those that nobody serves any more, with what their clients are told until they have heard it. */
  readonly refused = new Map<string, Error>();

  constructor(isDurable: boolean) {
    this.isDurable = isDurable;
  }
}

/**
 * An engine in the memory of this process, on the clock of the loop: for tests of programs with simulated time, and with everything that can go
 * wrong between machines: `faults`, `kill`, `cutOff`, `stop`.
 *
 * @example
 * const engine = new MemoryEngine({ faults: { lose: 0.5, delay: [0, 0.01] }, seed: 1 });
 * const worker = createTask(() => serve({ double: (n: number) => 2 * n }, { engine, queue: 'numbers' }));
 * await using pool = new DistributedExecutor({ engine, queue: 'numbers' });
 * const { double } = moduleFunctions<{ double(n: number): number }>('app:numbers');
 * console.log(await pool.submit(double, 2)); // 4
 * worker.cancel();
 */
export class MemoryEngine implements Engine {
  readonly name = 'memory';
  readonly features: EngineFeatures;
  readonly #queues = new Map<string, Queue>();
  readonly #faults: MemoryFaults;
  #state: number;
  /** Until when the store is out of reach, on the loop's clock. */
  #stoppedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: MemoryEngineOptions = {}) {
    checkOptions('new MemoryEngine', options, ['faults', 'seed', 'durable']);
    this.#faults = options.faults ?? {};
    this.#state = (options.seed ?? 1) >>> 0;
    this.features = { durable: options.durable ?? true, progress: true, inLoop: true };
  }

  /** A number from 0 to 1, by the seed. */
  random(): number {
    // A step of the generator called mulberry32.
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** The names of the workers that are connected. */
  get workers(): string[] {
    return [...this.#queues.values()].flatMap(({ workers }) =>
      [...workers].filter(({ isDead }) => !isDead).map(({ settings }) => settings.offer.worker),
    );
  }

  /** A worker dies: nothing of it arrives any more. Its jobs are lost when its lease has ended. */
  kill(worker: string): void {
    for (const one of this.#named(worker)) one.isDead = true;
  }

  /** A worker is cut off for a time: nothing arrives in either direction, but it works on. */
  cutOff(worker: string, seconds: Duration): void {
    for (const one of this.#named(worker)) one.cutOffUntil = getRunningLoop().time() + inSeconds(seconds);
  }

  /** The store is out of reach for a time, for all. It keeps what it has. */
  stop(seconds: Duration): void {
    this.#stoppedUntil = getRunningLoop().time() + inSeconds(seconds);
  }

  /** The store loses all jobs. */
  lose(): void {
    for (const { jobs, waiting } of this.#queues.values()) {
      jobs.clear();
      waiting.clear();
    }
  }

  #named(worker: string): MemoryWorker[] {
    return [...this.#queues.values()].flatMap(({ workers }) =>
      [...workers].filter(({ settings }) => settings.offer.worker === worker),
    );
  }

  /** @internal */
  queue(name: string): Queue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new Queue(this.features.durable);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  #delay(): number {
    const { delay } = this.#faults;
    if (delay === undefined) return 0;
    const [from, to] = [inSeconds(delay[0]), inSeconds(delay[1])];
    return from + (to - from) * this.random();
  }

  /** A call to the store. @internal */
  async call<T>(act: () => T, isReachable: () => boolean = () => true): Promise<T> {
    const check = (): void => {
      const loop = getRunningLoop();
      if (loop.time() < this.#stoppedUntil || !isReachable()) throw new Error('the store is out of reach');
    };
    await sleep(this.#delay());
    check();
    const result = act();
    await sleep(this.#delay());
    check();
    if (this.random() < (this.#faults.fail ?? 0)) throw new Error('the answer of the store was lost');
    return result;
  }

  /** An event on its way. @internal */
  tell(loop: EventLoop, deliver: () => void): void {
    const { lose = 0, duplicate = 0 } = this.#faults;
    if (this.random() < lose) return;
    loop.callLater(this.#delay(), deliver);
    if (this.random() < duplicate) loop.callLater(this.#delay(), deliver);
  }

  /** Whether the store can be reached. @internal */
  isUp(loop: EventLoop): boolean {
    return loop.time() >= this.#stoppedUntil;
  }

  async openClient(queue: string, events: ClientEvents): Promise<ClientLink> {
    const client = new MemoryClient(this, this.queue(queue), events, getRunningLoop());
    await sleep(this.#delay());
    return client.open();
  }

  async openWorker(queue: string, settings: WorkerSettings): Promise<WorkerLink> {
    const worker = new MemoryWorker(this, this.queue(queue), settings, getRunningLoop());
    await sleep(this.#delay());
    return worker.open();
  }
}

class MemoryClient implements ClientLink {
  readonly #engine: MemoryEngine;
  readonly #queue: Queue;
  readonly #events: ClientEvents;
  readonly #loop: EventLoop;

  constructor(engine: MemoryEngine, queue: Queue, events: ClientEvents, loop: EventLoop) {
    this.#engine = engine;
    this.#queue = queue;
    this.#events = events;
    this.#loop = loop;
  }

  open(): this {
    this.#queue.clients.add(this);
    return this;
  }

  tell(what: (events: ClientEvents) => void): void {
    this.#engine.tell(this.#loop, () => {
      if (this.#queue.clients.has(this)) what(this.#events);
    });
  }

  offers(): Promise<readonly Offer[]> {
    return this.#engine.call(() =>
      [...this.#queue.workers].filter((worker) => worker.isTaking()).map(({ settings }) => settings.offer),
    );
  }

  clock(): Promise<number> {
    return this.#engine.call(() => this.#loop.time() * 1_000);
  }

  backlog(): Promise<number> {
    return this.#engine.call(() => this.#queue.waiting.size);
  }

  send(consignment: Consignment): Promise<void> {
    return this.#engine.call(() => {
      const { jobs, waiting, workers, wanted, refused } = this.#queue;
      const { id, sharer } = consignment;
      if (sharer !== null) wanted.set(id, (wanted.get(id) ?? new Set()).add(sharer));
      if (jobs.has(id)) return;
      const earlier = refused.get(id);
      if (earlier !== undefined) throw earlier; // its client is told so, whoever has come since
      if (!this.#engine.features.durable && ![...workers].some((worker) => worker.isTaking()))
        throw notServed(`nobody serves the queue, so ${consignment.name}() was not sent`);
      const job: StoredJob = {
        consignment,
        state: 'waiting',
        starts: 0,
        gives: 0,
        worker: null,
        workerName: '',
        reply: null,
        progress: null,
        isCancelled: false,
      };
      jobs.set(id, job);
      waiting.add(job);
      offerAll(this.#queue);
    });
  }

  remove(id: string): Promise<Removal> {
    return this.#engine.call(() => {
      const { jobs, waiting } = this.#queue;
      const job = jobs.get(id);
      if (job === undefined) return 'unknown';
      if (job.state === 'running') return 'held';
      if (job.state === 'settled') return 'removed';
      jobs.delete(id);
      waiting.delete(job);
      return job.starts > 0 ? 'started' : 'removed';
    });
  }

  cancel(id: string): Promise<void> {
    return this.#engine.call(() => {
      const job = this.#queue.jobs.get(id);
      if (job === undefined) return;
      job.isCancelled = true;
      for (const worker of this.#queue.workers)
        this.#engine.tell(this.#loop, () => worker.receive((settings) => settings.cancel(id)));
    });
  }

  lookUp(ids: readonly string[]): Promise<ReadonlyMap<string, Fate>> {
    return this.#engine.call(() => {
      findLost(this.#queue);
      const fates = new Map<string, Fate>();
      for (const id of ids) {
        const error = this.#queue.refused.get(id);
        if (error !== undefined) this.tell((events) => events.refused(id, error));
        const job = this.#queue.jobs.get(id);
        if (job !== undefined) fates.set(id, fateOf(job));
      }
      return fates;
    });
  }

  forget(ids: readonly string[]): Promise<void> {
    return this.#engine.call(() => {
      for (const id of ids) {
        this.#queue.refused.delete(id);
        const job = this.#queue.jobs.get(id);
        if (job !== undefined && job.state !== 'running') {
          this.#queue.jobs.delete(id);
          this.#queue.waiting.delete(job);
        }
      }
    });
  }

  discard(id: string, reply: string | null): Promise<void> {
    return this.#engine.call(() => {
      const job = this.#queue.jobs.get(id);
      if (job?.state === 'settled' && job.reply !== reply) throw new Error('the job has ended in the meantime');
      if (job?.state === 'settled' || job?.state === 'lost') this.#queue.jobs.delete(id);
    });
  }

  leave(ids: readonly string[], client: string): Promise<void> {
    return this.#engine.call(() => {
      const { wanted } = this.#queue;
      for (const id of ids) {
        wanted.get(id)?.delete(client);
        if (wanted.get(id)?.size === 0) wanted.delete(id);
      }
    });
  }

  isWanted(id: string): Promise<boolean> {
    return this.#engine.call(() => {
      const { wanted, leases } = this.#queue;
      return [...(wanted.get(id) ?? [])].some((client) => (leases.get(client) ?? 0) >= this.#loop.time());
    });
  }

  renew(client: string, seconds: number): Promise<void> {
    return this.#engine.call(() => {
      this.#queue.leases.set(client, this.#loop.time() + seconds);
    });
  }

  async close(): Promise<void> {
    this.#queue.clients.delete(this);
  }
}

function fateOf({ state, workerName, reply, progress }: StoredJob): Fate {
  switch (state) {
    case 'waiting':
      return { state };
    case 'running':
      return { state, worker: workerName, progress: progress ?? undefined };
    case 'settled':
      return { state, reply: reply! };
    case 'lost':
      return { state, worker: workerName };
  }
}

/** Jobs whose workers are lost go to others, if they may be started again. */
function findLost(queue: Queue): void {
  for (const job of queue.jobs.values()) {
    if (job.state === 'running' && job.worker?.isAlive() !== true) giveBack(queue, job);
  }
  for (const worker of queue.workers) if (worker.isDead && !worker.isAlive()) queue.workers.delete(worker);
  offerAll(queue);
}

function giveBack(queue: Queue, job: StoredJob, isStarted = true): void {
  job.worker = null;
  if (!isStarted) job.starts--;
  if (job.starts < job.consignment.attempts) {
    job.state = 'waiting';
    queue.waiting.add(job);
  } else {
    job.state = 'lost';
    const { id } = job.consignment;
    for (const client of queue.clients) client.tell((events) => events.changed(id));
  }
}

function notServed(what: string): NotServed {
  return new NotServed(`${what}: start a worker with serve()`, { code: 'NO_WORKERS' });
}

/** Where nothing is kept, what waits is refused at once when the last worker has gone that would take it. */
function refuseUnserved(queue: Queue): void {
  if (queue.isDurable || [...queue.workers].some((worker) => worker.isTaking())) return;
  for (const job of queue.waiting) {
    const { id, name } = job.consignment;
    queue.waiting.delete(job);
    queue.jobs.delete(id);
    const error = notServed(`nobody serves the queue any more, so ${name}() was not started`);
    queue.refused.set(id, error);
    for (const client of queue.clients) client.tell((events) => events.refused(id, error));
  }
}

/** Gives what waits to workers that have room, to each in turn. */
function offerAll(queue: Queue): void {
  refuseUnserved(queue);
  for (let hasGiven = true; hasGiven && queue.waiting.size > 0; ) {
    hasGiven = false;
    for (const worker of queue.workers) {
      const [job] = queue.waiting;
      if (job === undefined) return;
      if (!worker.canTake()) continue;
      queue.waiting.delete(job);
      worker.take(job);
      hasGiven = true;
    }
  }
}

class MemoryWorker implements WorkerLink {
  readonly #engine: MemoryEngine;
  readonly #queue: Queue;
  readonly settings: WorkerSettings;
  readonly #loop: EventLoop;
  readonly #taken = new Map<string, StoredJob>();
  readonly #tasks = new Set<Task<void>>();
  isDead = false;
  cutOffUntil = Number.NEGATIVE_INFINITY;
  #isPaused = false;
  #leaseEnd = 0;

  constructor(engine: MemoryEngine, queue: Queue, settings: WorkerSettings, loop: EventLoop) {
    this.#engine = engine;
    this.#queue = queue;
    this.settings = settings;
    this.#loop = loop;
  }

  open(): this {
    this.#leaseEnd = this.#loop.time() + this.settings.lease;
    this.#queue.workers.add(this);
    offerAll(this.#queue);
    return this;
  }

  isAlive(): boolean {
    return this.#loop.time() < this.#leaseEnd;
  }

  /** Whether it takes jobs when it has room, as far as the store knows. */
  isTaking(): boolean {
    return !this.#isPaused && this.isAlive();
  }

  #isReachable(): boolean {
    return !this.isDead && this.#loop.time() >= this.cutOffUntil;
  }

  canTake(): boolean {
    const { concurrency } = this.settings;
    return (
      !this.#isPaused &&
      this.isAlive() &&
      this.#isReachable() &&
      this.#taken.size < concurrency &&
      this.#engine.isUp(this.#loop)
    );
  }

  receive(what: (settings: WorkerSettings) => void): void {
    if (this.#isReachable()) what(this.settings);
  }

  take(job: StoredJob): void {
    job.state = 'running';
    job.starts++;
    job.gives++;
    job.worker = this;
    job.workerName = this.settings.offer.worker;
    this.#taken.set(job.consignment.id, job);
    const task = this.#loop.createTask(() => this.#perform(job, { attempt: job.starts, give: job.gives }), {
      name: 'memory: job',
      context: new Context(),
    }) as Task<void>;
    this.#tasks.add(task);
    task.addDoneCallback(() => this.#tasks.delete(task));
  }

  async #perform(
    job: StoredJob,
    { attempt, give }: { readonly attempt: number; readonly give: number },
  ): Promise<void> {
    const { id, text } = job.consignment;
    await sleep(0);
    if (!this.#isReachable()) return; // it has died with the job in its hands
    const worker = this.settings.offer.worker;
    for (const client of this.#queue.clients) client.tell((events) => events.started(id, worker));
    const performed = await this.#inLoop(
      this.settings.perform({
        id,
        text,
        attempt,
        isCancelled: job.isCancelled,
        held: Math.max(0, this.#leaseEnd - this.#loop.time()),
        hold: () => this.#hold(job, give),
        progress: (report) => {
          if (!this.#isReachable() || job.worker !== this || job.gives !== give) return;
          job.progress = report;
          for (const client of this.#queue.clients) client.tell((events) => events.progress(id, report));
        },
      }),
    );
    if (this.#taken.get(id) === job) this.#taken.delete(id);
    // The answer is sent until it arrives, or the worker is gone.
    while (!this.isDead) {
      try {
        await this.#engine.call(
          () => this.#store(job, give, performed),
          () => this.#isReachable(),
        );
        break;
      } catch {
        await sleep(0.05);
      }
    }
  }

  #hold(job: StoredJob, give: number): Promise<Holding> {
    return this.#engine.call(
      () => {
        if (!this.#has(job, give) || !this.isAlive()) return 'lost';
        this.#leaseEnd = this.#loop.time() + this.settings.lease;
        return job.isCancelled ? 'cancelled' : 'held';
      },
      () => this.#isReachable(),
    );
  }

  #has(job: StoredJob, give: number): boolean {
    const { worker, gives, state, consignment } = job;
    return worker === this && gives === give && state === 'running' && this.#queue.jobs.get(consignment.id) === job;
  }

  /** As a wait of the loop, so that simulated time goes on during it. */
  #inLoop<T>(given: T | Promise<T>): Future<T> {
    const done = newWait<T>(this.#loop, { operation: 'perform', object: this });
    Promise.resolve(given).then((value) => release(done, value));
    return done;
  }

  #store(job: StoredJob, give: number, performed: Awaited<ReturnType<WorkerSettings['perform']>>): void {
    // An earlier answer, or another worker that has the job now, is what counts.
    if (this.#has(job, give)) {
      if ('abandoned' in performed) giveBack(this.#queue, job, performed.isStarted);
      else {
        const { id } = job.consignment;
        const { reply } = performed;
        job.state = 'settled';
        job.reply = reply;
        for (const client of this.#queue.clients) client.tell((events) => events.settled(id, reply));
      }
    }
    offerAll(this.#queue);
  }

  beat(running: readonly string[]): Promise<Beat> {
    return this.#engine.call(
      () => {
        // A lease that has ended before does not come back to life with its jobs.
        findLost(this.#queue);
        this.#leaseEnd = this.#loop.time() + this.settings.lease;
        this.#queue.workers.add(this);
        offerAll(this.#queue);
        const jobs = running.map((id) => [id, this.#queue.jobs.get(id)] as const);
        return {
          cancelled: jobs.filter(([, job]) => job?.isCancelled === true).map(([id]) => id),
          lost: jobs.filter(([, job]) => job?.worker !== this).map(([id]) => id),
        };
      },
      () => this.#isReachable(),
    );
  }

  lostClients(clients: readonly string[]): Promise<readonly string[]> {
    return this.#engine.call(
      () =>
        clients.filter((client) => (this.#queue.leases.get(client) ?? Number.POSITIVE_INFINITY) < this.#loop.time()),
      () => this.#isReachable(),
    );
  }

  clock(): Promise<number> {
    return this.#engine.call(
      () => this.#loop.time() * 1_000,
      () => this.#isReachable(),
    );
  }

  async pause(): Promise<void> {
    this.#isPaused = true;
    refuseUnserved(this.#queue);
  }

  async close(): Promise<void> {
    while (this.#tasks.size > 0 && !this.isDead) await wait([...this.#tasks]);
    if (this.isDead) return;
    this.#leaseEnd = Number.NEGATIVE_INFINITY;
    this.#queue.workers.delete(this);
    refuseUnserved(this.#queue);
  }
}
