import type { ClientEvents, ClientLink, Consignment, Fate, Offer, Removal } from '../distributed/engine.ts';
import { Refusal } from '../distributed/engine.ts';
import { writeAnswer } from '../distributed/envelope.ts';
import { NotServed } from '../distributed/errors.ts';
import { shared } from '../index.ts';
import type { EventLoop } from '../kernel/lowlevel.ts';
import { isNobody, type NatsMessage } from './bus.ts';
import { Census } from './census.ts';
import type { Line } from './line.ts';
import type { Notice } from './notices.ts';
import { answerSubject, type QueueSubjects, subjectsOf } from './subjects.ts';

/** For how long what workers have said is taken as it is, in seconds. */
const FRESH = 2;
/**
 * A job that no worker has mentioned is lost when so many questions in sequence have not found it, and all workers have answered. Jobs that wait are not
 * served any more when the server has said so often that there is no worker.
 */
const MISSES = 2;
/** How often it is asked at the most who is there while nobody answers, although the server knows somebody: machines can be busy. */
const QUESTIONS = 4;
/** After so many answers workers are thanked before the second is over: what they keep for longer costs their garbage collector more. */
const MOST_UNTHANKED = 500;
/** How many outstanding jobs are named to workers that are told of all others that they are over. */
const MOST_NAMED = 1_000;
/** The worker of a job that has said nothing of it. */
const UNKNOWN = 'that NATS had chosen';

/**
 * | state   | meaning                                               | left by                                   |
 * |---------|-------------------------------------------------------|-------------------------------------------|
 * | waiting | here, until a worker grants a place                    | a grant, `remove`                         |
 * | sent    | published; no worker has said a word                   | any word of a worker, or "nobody"         |
 * | running | a worker has started it, or has it and is about to     | the answer, or "not started" (`.b`)       |
 * | lost    | its worker is gone, or does not have it any more        | an answer that was late                   |
 */
type State = 'waiting' | 'sent' | 'running' | 'lost';

/** A job without an outcome. */
interface Job {
  readonly id: string;
  /** Of this client's jobs: what it is called on its way. */
  readonly number: number;
  /** Of the function. */
  readonly name: string;
  readonly text: string;
  state: State;
  /** Whether it was last sent to a certain worker, not to any. */
  isDirect: boolean;
  misses: number;
  /** On the loop's clock: when it was sent last. */
  sent: number;
  /** The worker that has it, had it, or was to have it; `null` while it is not known. */
  worker: { readonly id: string; readonly name: string } | null;
  isCancelled: boolean;
}

/** A client of a queue. Jobs that find all workers busy wait here: the workers grant places to clients in turn. */
export class NatsClientLink implements ClientLink {
  readonly #loop: EventLoop;
  readonly #line: Line;
  readonly #events: ClientEvents;
  readonly #queue: string;
  readonly #subjects: QueueSubjects;
  readonly #inbox: string;
  readonly #census: Census;
  readonly #subscription: { unsubscribe(): void };
  readonly #jobs = new Map<string, Job>();
  /** Invariant: the same jobs, in the order of their numbers. */
  readonly #numbered = new Map<number, Job>();
  #number = 0;
  /** How many answers have come that the workers keep. */
  #unthanked = 0;
  /** Invariant: the jobs of `#jobs` that are waiting, in the order in which they are to be sent. */
  readonly #waiting = new Set<Job>();
  #asked = Number.NEGATIVE_INFINITY;
  /** To how many questions in sequence the server has answered that there is no worker. A worker whose connection breaks may be back at the next. */
  #nobodies = 0;
  /** Of the client's life, as it was given last. */
  #sign: Notice | null = null;
  /** Of the workers that were seen, in seconds. */
  #longestLease = 0;

  constructor(loop: EventLoop, line: Line, queue: string, inbox: string, events: ClientEvents) {
    this.#loop = loop;
    this.#line = line;
    this.#events = events;
    this.#queue = queue;
    this.#subjects = subjectsOf(queue);
    this.#inbox = inbox;
    this.#census = new Census(loop, line, this.#subjects.all, `${inbox}.k`);
    this.#subscription = line.subscribe(`${inbox}.>`, (message) => this.#receive(message));
  }

  // ------------------------------------------------------------------------------------------------ asking

  async offers(): Promise<readonly Offer[]> {
    // That nobody takes jobs is not believed without asking: a worker may have come since.
    if (!this.#census.isServed || this.#loop.time() - this.#asked > FRESH) {
      for (let asked = 0; ; asked++) {
        const isNobody = await this.#meet();
        if (isNobody || this.#census.known.size > 0 || asked === QUESTIONS) break;
      }
    }
    const offers = [...this.#census.known.values()]
      .filter(({ presence }) => presence.isTaking)
      .map(({ presence }) => presence.offer);
    if (offers.length === 0 && this.#line.isFresh) throw new Error('NATS was away, and no worker is back so far');
    return offers;
  }

  /** Many jobs that are submitted at once need one question. */
  readonly #meet = shared(async () => {
    const { isNobody } = await this.#ask([]);
    return isNobody;
  });

  async #ask(jobs: readonly number[]) {
    const answers = await this.#census.ask(jobs);
    this.#asked = this.#loop.time();
    return answers;
  }

  async clock(): Promise<number> {
    if (this.#census.known.size === 0) await this.#meet();
    return this.#census.now();
  }

  /** NATS keeps no jobs: those of other clients wait with them. */
  async backlog(): Promise<number> {
    return this.#waiting.size;
  }

  async lookUp(ids: readonly string[]): Promise<ReadonlyMap<string, Fate>> {
    const asked = ids.flatMap((id) => this.#jobs.get(id) ?? []).filter(({ state }) => state !== 'waiting');
    // Nothing keeps a sign for workers that come later, so each question has one with it.
    if (this.#sign !== null) this.#tell(this.#sign);
    const { from: answers, isNobody } = await this.#ask(asked.map(({ number }) => number));
    for (const { lease } of answers.values()) this.#longestLease = Math.max(this.#longestLease, lease);
    const owners = new Map(
      [...answers.values()].flatMap((presence) => presence.has.map((number) => [number, presence])),
    );
    const isSomeoneSilent = [...this.#census.known.keys()].some((id) => !answers.has(id));
    for (const job of asked) {
      const owner = owners.get(job.number);
      if (owner !== undefined) {
        job.misses = 0;
        if (job.state === 'sent') this.#began(job, owner.id, owner.offer.worker);
        if (job.isCancelled) this.#tellCancelled(job);
      } else if (job.state === 'running') {
        const { id } = job.worker!;
        // A worker that answers without naming the job had it, and has it no more.
        if (!this.#census.known.has(id) || answers.has(id)) job.state = 'lost';
      } else if (job.state === 'sent') {
        // Whoever is silent may have it, but no longer than for a lease: then it would be lost with its worker.
        const isOverdue = this.#loop.time() - job.sent > this.#longestLease;
        if (isSomeoneSilent ? isOverdue : ++job.misses >= MISSES) job.state = 'lost';
      }
    }
    this.#nobodies = isNobody ? this.#nobodies + 1 : 0;
    this.#rouse();
    return new Map(
      ids.flatMap((id): [string, Fate][] => {
        const job = this.#jobs.get(id);
        return job === undefined ? [] : [[id, fateOf(job)]];
      }),
    );
  }

  // ------------------------------------------------------------------------------------------------ sending

  async send({ id, name, text, attempts }: Consignment): Promise<void> {
    if (attempts > 1) {
      throw new Refusal(
        'NATS delivers at most once, so that nothing is started again: leave out retries, or take bullmq(…)',
        'NO_RETRIES',
      );
    }
    this.#line.check();
    if (this.#jobs.has(id)) return;
    const job: Job = {
      id,
      number: ++this.#number,
      name,
      text,
      state: 'waiting',
      isDirect: false,
      misses: 0,
      sent: 0,
      worker: null,
      isCancelled: false,
    };
    this.#jobs.set(id, job);
    this.#numbered.set(job.number, job);
    if (this.#waiting.size > 0) this.#waiting.add(job);
    else this.#publish(job, null);
  }

  /** @param worker the id of the one that is to have it; `null` for any */
  #publish(job: Job, worker: string | null): void {
    this.#waiting.delete(job);
    job.state = 'sent';
    job.isDirect = worker !== null;
    job.misses = 0;
    job.sent = this.#loop.time();
    const name = this.#census.known.get(worker ?? '')?.presence.offer.worker;
    job.worker = worker === null ? null : { id: worker, name: name ?? UNKNOWN };
    const subject = worker === null ? this.#subjects.jobs : this.#subjects.worker(worker);
    this.#line.ask(subject, job.text, answerSubject(this.#inbox, job.number), () => {
      if (job.state === 'sent') this.#wait(job, true);
    });
  }

  /** @param isFirst whether it has waited before, so that it is the next one */
  #wait(job: Job, isFirst = false): void {
    if (job.isCancelled) {
      this.#settle(job, writeAnswer({ cancelled: true }, ''));
      return;
    }
    job.state = 'waiting';
    const others = isFirst ? [...this.#waiting] : [];
    for (const other of others) this.#waiting.delete(other);
    this.#waiting.add(job);
    for (const other of others) this.#waiting.add(other);
    if (this.#waiting.size === 1) this.#tell({ t: 'demand', inbox: this.#inbox });
  }

  /**
   * Once a second: workers that are new, or did not hear it, learn what waits. When none is known any more, it is sent to any: whoever has not
   * answered in time takes it, and when all are gone, the server says so. One that has left is known for a lease, but does not hear of what waits.
   */
  #rouse(): void {
    if (this.#waiting.size === 0) return;
    const isServed = this.#nobodies < MISSES && this.#census.isServed;
    if (isServed || this.#line.isFresh) this.#tell({ t: 'demand', inbox: this.#inbox });
    else for (const job of [...this.#waiting]) this.#publish(job, null);
  }

  #granted(worker: string, places: number): void {
    const next = [...this.#waiting.values().take(places)];
    for (const job of next) this.#publish(job, worker);
    if (next.length === places) return;
    const notice: Notice = { t: 'unused', inbox: this.#inbox, places: places - next.length };
    this.#line.tell(this.#subjects.worker(worker), JSON.stringify(notice));
  }

  #tell(notice: Notice): void {
    this.#line.tell(this.#subjects.all, JSON.stringify(notice));
  }

  // ------------------------------------------------------------------------------------------------ hearing

  #receive(message: NatsMessage): void {
    const [kind, number, what] = message.subject.slice(this.#inbox.length + 1).split('.');
    if (kind === 'k') this.#census.receive(message);
    else if (kind === 'g') {
      const [worker, places] = message.string().split(' ');
      this.#granted(worker!, Number(places));
    } else if (kind === 'j') {
      const job = this.#numbered.get(Number(number));
      if (job !== undefined) this.#heard(job, what, message);
    }
  }

  #heard(job: Job, what: string | undefined, message: NatsMessage): void {
    switch (what) {
      case undefined:
        if (!isNobody(message)) this.#settle(job, message.string());
        else if (job.state === 'sent') this.#nobody(job);
        break;
      case 's': {
        const [id, ...name] = message.string().split(' ');
        if (job.state === 'sent') this.#began(job, id!, name.join(' '));
        break;
      }
      case 'b':
        if (job.state === 'sent' || (job.state === 'running' && job.worker?.id === message.string())) this.#wait(job);
        break;
      case 'a': {
        const [id, ...name] = message.string().split(' ');
        job.worker = { id: id!, name: name.join(' ') };
        job.state = 'lost';
        this.#events.changed(job.id);
        break;
      }
    }
  }

  #began(job: Job, id: string, name: string): void {
    job.state = 'running';
    job.worker = { id, name };
    this.#events.started(job.id, name);
  }

  /** The server has found nobody for it, so that it was not started. */
  #nobody(job: Job): void {
    if (job.isDirect || this.#line.isFresh) this.#wait(job, true);
    else this.#refuse(job);
  }

  #refuse(job: Job): void {
    this.#forget(job);
    const error = new NotServed(
      `nobody serves the queue '${this.#queue}' over nats any more, so ${job.name}() was not started: start a worker with serve()`,
      { code: 'NO_WORKERS' },
    );
    this.#events.refused(job.id, error);
  }

  #settle(job: Job, reply: string): void {
    this.#forget(job);
    if (++this.#unthanked >= MOST_UNTHANKED) this.#thank();
    this.#events.settled(job.id, reply);
  }

  #forget(job: Job): void {
    this.#jobs.delete(job.id);
    this.#numbered.delete(job.number);
    this.#waiting.delete(job);
  }

  // ------------------------------------------------------------------------------------------------ ending

  async remove(id: string): Promise<Removal> {
    const job = this.#jobs.get(id);
    if (job === undefined) return 'unknown';
    if (job.state !== 'waiting') return 'held';
    this.#forget(job);
    return 'removed';
  }

  async cancel(id: string): Promise<void> {
    const job = this.#jobs.get(id);
    if (job !== undefined) job.isCancelled = true;
    this.#line.check();
    if (job !== undefined) this.#tellCancelled(job);
  }

  #tellCancelled({ number }: Job): void {
    this.#tell({ t: 'cancel', job: answerSubject(this.#inbox, number) });
  }

  /** Workers keep answers for a time, so that one that was lost on its way can be asked for, and less long when they hear that it was not. */
  async forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const job = this.#jobs.get(id);
      if (job !== undefined) this.#forget(job);
    }
    this.#thank();
  }

  #thank(): void {
    this.#unthanked = 0;
    const but = [...this.#numbered.keys().take(MOST_NAMED + 1)];
    const below = but.length > MOST_NAMED ? but.pop()! : this.#number + 1;
    this.#tell({ t: 'thanks', inbox: this.#inbox, below, but });
  }

  /** Nothing is stored, so that each job is of one client. */
  async discard(): Promise<void> {}

  async leave(): Promise<void> {}

  async isWanted(): Promise<boolean> {
    return false;
  }

  async renew(client: string, seconds: number): Promise<void> {
    this.#line.check();
    this.#sign = { t: 'renew', client, seconds };
    this.#tell(this.#sign);
  }

  async close(): Promise<void> {
    this.#subscription.unsubscribe();
    await this.#line.close();
  }
}

function fateOf({ state, worker }: Job): Fate {
  if (state === 'running' || state === 'lost') return { state, worker: worker?.name ?? UNKNOWN };
  return { state: 'waiting' };
}
