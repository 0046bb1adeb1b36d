import assert from 'node:assert/strict';
import {
  CancelledError,
  createTask,
  getRunningLoop,
  sleep,
  TimeoutError,
  taskGroup,
  timeout,
  wrapPromise,
} from 'asyncio-ts';
import {
  type ClientLink,
  type DistributedJob,
  type DistributedJobOptions,
  type Fate,
  moduleFunctions,
  NotServed,
  StoreLost,
  WorkerLost,
} from 'asyncio-ts/distributed';
import { Effects } from './effects.ts';
import type { ClientJob, Stage, TestClient, TestWorker } from './stage.ts';
import { note } from './stormy.ts';

const { stormy } = moduleFunctions<typeof import('./work.ts')>('app:work');

/** The parameters of a storm. */
export interface StormOptions {
  readonly jobs: number;
  /** Decides about all that is random: what is done to whom, after which pauses. When exactly it hits whom is up to the machine. */
  readonly seed: number;
}

/** Numbers from 0 to 1, the same for the same seed. */
function chance(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}

/** Gives all of some things in an order of its own, then all of them again. */
function* dealt<T>(all: readonly T[], random: () => number): Generator<T, never> {
  for (;;) {
    const deck = [...all];
    while (deck.length > 0) yield deck.splice(Math.floor(random() * deck.length), 1)[0]!;
  }
}

/** How many workers there are at a time. */
const WORKERS = 3;
/** How many jobs each takes. */
const CONCURRENCY = 20;
/** The longest job, in seconds. */
const LONGEST = 1.5;
/** How many jobs a second are submitted: somewhat fewer than the workers can do. */
const RATE = 45;
/** Seconds for which the store is away between its end and its start. */
const AWAY = 1.5;
/** The lease of clients that are killed, in seconds. */
const CLIENT_LEASE = 2;
/** How many jobs each of them submits. */
const CLIENT_JOBS = 12;
/** As good as for ever, in seconds: a job that only the loss of its client ends. */
const FOR_EVER = 3_600;

/** What is done to workers, and to the store. */
const TROUBLE = ['kill', 'kill', 'drain'] as const;
const STORE_TROUBLE = ['stop', 'crash', 'interrupt'] as const;

/** A client that was killed. */
interface LostClient {
  readonly jobs: readonly ClientJob[];
  readonly ids: readonly string[];
  /** Those that the store had when it was killed. */
  readonly stored: ReadonlySet<string>;
}

/** A job of the storm. */
interface Submitted {
  readonly name: string;
  readonly job: DistributedJob<string>;
  readonly hasDeadline: boolean;
  wasCancelled: boolean;
}

/**
 * Many jobs, while workers are killed, drained and replaced, the store is ended and started again, connections are cut, clients are killed, and jobs
 * are cancelled, at random. None may be lost or hang, and none may have more effects than its retries allow.
 *
 * @returns what has happened, for a person
 */
export async function storm(stage: Stage, options: StormOptions): Promise<string> {
  return await new Storm(stage, options).run();
}

class Storm {
  readonly #stage: Stage;
  readonly #jobs: number;
  readonly #seed: number;
  readonly #durable: boolean;
  readonly #file: string;
  readonly #workers: TestWorker[] = [];
  /** The places of workers that were killed: what ran there has not cleaned up. */
  readonly #killed = new Set<string>();
  readonly #lostClients: LostClient[] = [];
  readonly #submitted: Submitted[] = [];
  /** How often each name may be started. */
  readonly #most = new Map<string, number>();
  /** The names of those that have a result. */
  readonly #done = new Set<string>();
  #isOver = false;
  readonly #happened = { killed: 0, drained: 0, stop: 0, crash: 0, interrupt: 0, clients: 0 };
  readonly #outcomes = { done: 0, cancelled: 0, lost: 0, late: 0, unserved: 0, unknown: 0 };

  constructor(stage: Stage, { jobs, seed }: StormOptions) {
    this.#stage = stage;
    this.#jobs = jobs;
    this.#seed = seed;
    this.#durable = stage.engine.features.durable;
    this.#file = stage.file();
  }

  async run(): Promise<string> {
    const began = getRunningLoop().time();
    for (let n = 0; n < WORKERS; n++) this.#workers.push(await this.#worker());
    const watch = this.#durable ? await this.#watch() : null;
    let counts = '';
    // An error of any part of it ends the storm.
    await taskGroup(async (group) => {
      const trouble = [
        group.createTask(() => this.#troubleWorkers(), { name: 'trouble of workers' }),
        group.createTask(() => this.#troubleStore(), { name: 'trouble of the store' }),
        group.createTask(() => this.#troubleClients(watch), { name: 'trouble of clients' }),
      ];
      counts = await this.#work();
      this.#isOver = true;
      for (const task of trouble) await task;
    });
    this.#stage.check();
    await this.#checkLeftovers(watch);
    const starts = this.#checkEffects();
    await watch?.close();
    const seconds = (getRunningLoop().time() - began).toFixed(0);
    return `seed ${this.#seed}, ${seconds} s: ${JSON.stringify(this.#outcomes)} with ${JSON.stringify(this.#happened)}; ${starts}; ${counts}`;
  }

  // ------------------------------------------------------------------------------------------------ trouble

  /** A worker, however often it takes while the store is away: as with whatever starts workers on real machines. */
  async #worker(): Promise<TestWorker> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#stage.worker({ concurrency: CONCURRENCY });
      } catch (error) {
        if (error instanceof CancelledError || attempt === 20) throw error;
        await sleep(0.5);
      }
    }
  }

  async #troubleWorkers(): Promise<void> {
    const random = chance(this.#seed + 1_000_000);
    const kinds = dealt(TROUBLE, random);
    for (let round = 0; !this.#isOver || round < TROUBLE.length; round++) {
      await sleep(0.3 + random() * 1.2);
      const at = Math.floor(random() * WORKERS);
      const victim = this.#workers[at]!;
      if (kinds.next().value === 'kill') {
        this.#happened.killed++;
        this.#killed.add(victim.place);
        await victim.kill();
      } else {
        this.#happened.drained++;
        await victim.drain();
      }
      this.#workers[at] = await this.#worker();
    }
  }

  async #troubleStore(): Promise<void> {
    const random = chance(this.#seed + 2_000_000);
    const kinds = dealt(STORE_TROUBLE, random);
    // A long storm is calmer, so that it gets on: after each of these, jobs wait for leases that have ended.
    const calm = Math.min(5, 1 + this.#jobs / 2_500);
    for (let round = 0; !this.#isOver || round < STORE_TROUBLE.length; round++) {
      await sleep((1 + random() * 3) * calm);
      const kind = kinds.next().value;
      this.#happened[kind]++;
      if (kind === 'interrupt') await this.#stage.interrupt();
      else await this.#stage.restart({ seconds: random() * AWAY, isCrash: kind === 'crash' });
    }
  }

  async #troubleClients(watch: ClientLink | null): Promise<void> {
    const random = chance(this.#seed + 3_000_000);
    for (let round = 0; !this.#isOver || round < 1; round++) {
      const jobs = Array.from({ length: CLIENT_JOBS }, (_, n): ClientJob => {
        const isTied = n % 2 === 1;
        const seconds = isTied && n % 4 === 1 ? FOR_EVER : random() * 2 * LONGEST;
        return { name: `client${round}.${n}`, seconds, retries: this.#durable ? n % 3 : 0, isTied };
      });
      for (const { name, retries } of jobs) this.#most.set(name, retries + 1);
      const client = await this.#stage.client({ file: this.#file, lease: CLIENT_LEASE, jobs });
      await sleep(random() * 2);
      const stored = await this.#storedOf(client, watch);
      await client.kill();
      this.#happened.clients++;
      this.#lostClients.push({ jobs, ids: client.ids, stored });
      await sleep(1 + random());
    }
  }

  /** Which of its jobs the store has: none is certain while it is away. */
  async #storedOf({ ids }: TestClient, watch: ClientLink | null): Promise<Set<string>> {
    if (watch === null) return new Set();
    try {
      return new Set((await timeout(1, () => this.#fates(watch, ids))).keys());
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      return new Set();
    }
  }

  /** Looks into the store without being one of its clients. */
  async #watch(): Promise<ClientLink> {
    const { engine, queue } = this.#stage;
    const nothing = (): void => {};
    const link = engine.openClient(queue, {
      started: nothing,
      settled: nothing,
      refused: nothing,
      progress: nothing,
      changed: nothing,
    });
    return await (engine.features.inLoop === true ? link : wrapPromise(link));
  }

  async #fates(watch: ClientLink, ids: readonly string[]): Promise<ReadonlyMap<string, Fate>> {
    const fates = watch.lookUp(ids);
    return await (this.#stage.engine.features.inLoop === true ? fates : wrapPromise(fates));
  }

  // ------------------------------------------------------------------------------------------------ work

  /** Submits all, and waits for all. Returns what the executor has counted. */
  async #work(): Promise<string> {
    // A lease that outlasts all outages, so that no job of this client ends by it.
    await using pool = this.#stage.pool({ maxPending: 200, grace: 10, lease: 20 });
    await using other = this.#stage.pool({ maxPending: 200, grace: 10 });
    const random = chance(this.#seed);
    for (let n = 0; n < this.#jobs; ) {
      const batch = Math.min(1 + Math.floor(random() * 30), this.#jobs - n);
      for (let i = 0; i < batch; i++, n++) this.#submit(n, n % 20 === 11 && this.#durable ? other : pool, random);
      await sleep(batch / RATE);
    }
    for (const submitted of this.#submitted) await this.#outcome(submitted);
    const hanging = this.#submitted.filter(({ job }) => !job.done());
    assert.deepEqual(
      hanging.map(({ name }) => name),
      [],
      'these jobs hang',
    );
    const { reconciled, unacknowledged } = pool.statistics();
    return `${reconciled} outcomes by look-ups, ${unacknowledged} cancellations unacknowledged`;
  }

  #submit(n: number, pool: ReturnType<Stage['pool']>, random: () => number): void {
    const seconds = random() * LONGEST;
    const retries = this.#durable ? n % 3 : 0;
    const hasDeadline = n % 25 === 7;
    // Two of twenty are the same work, asked for by two clients.
    const key = n % 20 === 10 || n % 20 === 11 ? `pair${Math.floor(n / 20)}` : undefined;
    const name = key ?? String(n);
    const options: DistributedJobOptions = {
      retries,
      ...(key === undefined ? {} : { key }),
      ...(hasDeadline ? { deadline: 0.5 + random() * 2.5 } : {}),
      ...(n % 10 === 3 ? { onClientLoss: 'cancel' } : {}),
    };
    // The second of a pair may find that the first is over, and then it is another job.
    this.#most.set(name, (this.#most.get(name) ?? 0) + retries + 1);
    const job = pool.with(options).submit(stormy, this.#file, name, seconds);
    const submitted: Submitted = { name, job, hasDeadline, wasCancelled: false };
    this.#submitted.push(submitted);
    const over = (error?: unknown): void => {
      if (key !== undefined) return;
      // Nothing of it may begin after this. Two ends leave that open, and say so: those whose worker, or store, has not answered. Where nothing is
      // stored, a worker that counts as lost is one that does not answer.
      const place = error === undefined ? 'done' : job.acknowledged === true ? 'cancelled' : null;
      const isLost = error instanceof WorkerLost && this.#durable;
      if (place !== null || isLost) note(this.#file, { what: 'over', name, place: place ?? 'lost' });
    };
    let failure: unknown;
    job
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => over(failure));
    if (random() < 0.1) {
      const pause = random() * 2 * LONGEST;
      createTask(async () => {
        await sleep(pause);
        submitted.wasCancelled = true;
        job.cancel();
      });
    }
  }

  async #outcome(submitted: Submitted): Promise<void> {
    const { name, job, hasDeadline } = submitted;
    const outcomes = this.#outcomes;
    try {
      // A bound of its own, so that a job that hangs is named.
      assert.equal(await timeout(this.#stage.lease * 10 + 120, async () => await job), name);
      outcomes.done++;
      this.#done.add(name);
    } catch (error) {
      if (error instanceof TimeoutError && error.code !== 'TIMED_OUT' && hasDeadline) outcomes.late++;
      else if (error instanceof CancelledError && submitted.wasCancelled) outcomes.cancelled++;
      else if (error instanceof WorkerLost) outcomes.lost++;
      // Where nothing is stored, a job can find nobody in that moment, or be on its way when the connection is cut.
      else if (!this.#durable && error instanceof NotServed) outcomes.unserved++;
      else if (!this.#durable && error instanceof StoreLost) outcomes.unknown++;
      else throw new Error(`job ${name} (${job.id}) has ended as nothing that was promised`, { cause: error });
    }
  }

  // ------------------------------------------------------------------------------------------------ afterwards

  /** What is left of clients that are gone ends, too. */
  async #checkLeftovers(watch: ClientLink | null): Promise<void> {
    const end = getRunningLoop().time() + this.#stage.lease * 10 + 60;
    for (const { ids, jobs, stored } of this.#lostClients) {
      let fates: ReadonlyMap<string, Fate> = new Map();
      for (; watch !== null; await sleep(0.2)) {
        fates = await this.#fatesAtLast(watch, ids, end);
        const open = ids.filter((id) => fates.has(id) && !this.#isFinal(fates.get(id)!));
        if (open.length === 0) break;
        const [first] = open;
        const name = jobs[ids.indexOf(first!)]!.name;
        assert.ok(getRunningLoop().time() < end, `${name} (${first}) hangs: it is ${fates.get(first!)!.state}`);
      }
      const effects = new Effects(this.#file);
      for (const [n, job] of jobs.entries()) this.#checkOfClient(job, stored.has(ids[n]!), fates.get(ids[n]!), effects);
    }
    // What runs now ends by itself, or because its client is gone.
    for (;;) {
      const [running] = new Effects(this.#file).running(this.#killed);
      if (running === undefined) break;
      assert.ok(getRunningLoop().time() < end, `${running.name} still runs in ${running.place}, and nobody wants it`);
      await sleep(0.2);
    }
  }

  /** Asks until the store answers. */
  async #fatesAtLast(watch: ClientLink, ids: readonly string[], end: number): Promise<ReadonlyMap<string, Fate>> {
    for (;;) {
      try {
        return await timeout(5, () => this.#fates(watch, ids));
      } catch (error) {
        if (error instanceof CancelledError || getRunningLoop().time() >= end) throw error;
        await sleep(0.2);
      }
    }
  }

  /** A store takes a job whose worker is lost back, and gives it to a worker, who says that it is spent. That in memory leaves it. */
  #isFinal({ state }: Fate): boolean {
    return state === 'settled' || (state === 'lost' && this.#stage.engine.features.inLoop === true);
  }

  #checkOfClient(
    { name, seconds, isTied }: ClientJob,
    wasStored: boolean,
    fate: Fate | undefined,
    effects: Effects,
  ): void {
    assert.ok(seconds < FOR_EVER || effects.ends(name) === 0, `${name} has ended before its time`);
    if (fate?.state === 'settled') {
      const reply = JSON.parse(fate.reply) as object;
      const kind = ['value', 'spent', 'orphaned'].find((one) => one in reply);
      assert.ok(kind !== undefined && (isTied || kind !== 'orphaned'), `${name} has ended with ${fate.reply}`);
      if (kind === 'value') assert.ok(effects.ends(name) > 0, `${name} has a result, and has not ended`);
    } else if (wasStored && fate === undefined) {
      // Its client has taken the outcome while it was there.
      assert.ok(
        effects.starts(name) > 0,
        `${name} is lost: it was in the store when its client was killed, and was never started`,
      );
    }
  }

  /** Returns what there was, for a person. */
  #checkEffects(): string {
    const effects = new Effects(this.#file);
    for (const [name, most] of this.#most) {
      const starts = effects.starts(name);
      assert.ok(starts <= most, `${name} was started ${starts} times, and ${most} is the most`);
    }
    for (const [name, end] of effects.startedAfterEnd)
      assert.fail(`${name} was started after its end was told: ${end}`);
    for (const name of effects.torn) assert.fail(`the clean-up of ${name} was interrupted by a second cancellation`);
    for (const name of this.#done) assert.ok(effects.ends(name) > 0, `${name} has a result, and has not ended`);
    const outcomes = Object.values(this.#outcomes).reduce((sum, count) => sum + count);
    assert.equal(outcomes, this.#jobs);
    assert.ok(this.#outcomes.done > this.#jobs / 2, `only ${this.#outcomes.done} of ${this.#jobs} jobs were done`);
    return `${effects.total} starts, ${effects.mostStarts} of one job at the most`;
  }
}
