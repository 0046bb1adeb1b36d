import type { Beat, Performed, WorkerLink, WorkerSettings } from '../distributed/engine.ts';
import type { EventLoop } from '../kernel/lowlevel.ts';
import type { NatsMessage } from './bus.ts';
import { Census } from './census.ts';
import { Grants } from './grants.ts';
import type { Line } from './line.ts';
import { type Notice, type Presence, parsed } from './notices.ts';
import { answerSubject, jobOf, type QueueSubjects, subjectsOf } from './subjects.ts';

/** How long a job runs before its client is told that it was started, in seconds: a function that is done by then costs one message. */
const TIME_TO_TELL = 0.005;
/** For how long answers are kept that may not have arrived, and cancellations of jobs that have not come, in seconds. */
const TIME_KEPT = 60;
/** How many bytes of answers are kept. */
const BYTES_KEPT = 16 * 1_048_576;
/** How many cancellations of jobs that have not come are kept. */
const MARKS_KEPT = 10_000;

/** Seconds between two questions to the other workers, one of whose clocks counts for all. */
const TIME_TO_MEET = 30;

/** A job that runs. */
interface Run {
  /** On the loop's clock. */
  readonly began: number;
  wasTold: boolean;
}

/** An answer that was given. */
interface Given {
  readonly inbox: string;
  readonly number: number;
  readonly reply: string;
  readonly at: number;
}

/** What a client needs no more: the answers to its jobs with numbers below this one, but for some. */
interface Thanks {
  readonly below: number;
  readonly but: ReadonlySet<number>;
}

/** A worker of a queue. */
export class NatsWorkerLink implements WorkerLink {
  readonly #loop: EventLoop;
  readonly #line: Line;
  readonly #settings: WorkerSettings;
  readonly #subjects: QueueSubjects;
  readonly #id: string;
  readonly #inbox: string;
  readonly #grants: Grants;
  readonly #census: Census;
  readonly #jobs: { unsubscribe(): void };
  readonly #others: { unsubscribe(): void }[];
  /** By the subjects for their answers, the oldest first: a job that was sent twice runs once. */
  readonly #running = new Map<string, Run>();
  /** Invariant: those of `#running` whose clients were not told. A timer is set while there are some. */
  readonly #untold = new Map<string, Run>();
  /** By the subjects, the oldest first. */
  readonly #given = new Map<string, Given>();
  #bytesGiven = 0;
  /** By the inboxes of clients. */
  readonly #thanks = new Map<string, Thanks>();
  /** When jobs that have not come here were cancelled, the oldest first. */
  readonly #marks = new Map<string, number>();
  /** When the leases of clients end. */
  readonly #leases = new Map<string, number>();
  #isPaused = false;
  #met = Number.NEGATIVE_INFINITY;

  /** @param id tells it apart from a worker of the same name */
  constructor(loop: EventLoop, line: Line, queue: string, id: string, inbox: string, settings: WorkerSettings) {
    this.#loop = loop;
    this.#line = line;
    this.#settings = settings;
    this.#subjects = subjectsOf(queue);
    this.#id = id;
    this.#inbox = inbox;
    this.#grants = new Grants(loop, settings.concurrency, (client, places) => {
      line.tell(`${client}.g`, `${id} ${places}`);
    });
    this.#census = new Census(loop, line, this.#subjects.all, `${inbox}.k`);
    this.#others = [
      line.subscribe(this.#subjects.all, (message) => this.#noticed(message)),
      line.subscribe(this.#subjects.worker(id), (message) => {
        if (message.reply) this.#take(message, message.reply, true);
        else this.#noticed(message);
      }),
      line.subscribe(`${inbox}.>`, (message) => this.#census.receive(message)),
    ];
    // Last, so that a cancellation that was published before a job is heard before it.
    const take = (message: NatsMessage) => {
      if (message.reply) this.#take(message, message.reply, false);
    };
    this.#jobs = line.subscribe(this.#subjects.jobs, take, { queue: 'workers' });
  }

  // ------------------------------------------------------------------------------------------------ jobs

  #take(message: NatsMessage, reply: string, isGranted: boolean): void {
    const job = jobOf(reply);
    if (job === null) return; // of another program that uses the subject
    const run = this.#running.get(reply);
    if (run !== undefined) {
      if (run.wasTold) this.#tellStarted(reply);
      return;
    }
    const given = this.#given.get(reply);
    if (given !== undefined) {
      this.#publish(reply, given.reply);
      return;
    }
    if (!this.#grants.take(job.inbox, isGranted)) {
      this.#publish(`${reply}.b`, this.#id);
      return;
    }
    this.#perform(reply, message.string(), job);
  }

  /** @param subject for the answer, which names the job */
  #perform(subject: string, text: string, job: { readonly inbox: string; readonly number: number }): void {
    const run: Run = { began: this.#loop.time(), wasTold: false };
    this.#running.set(subject, run);
    if (this.#untold.size === 0) this.#loop.callLater(TIME_TO_TELL, this.#tellLong);
    this.#untold.set(subject, run);
    const isCancelled = this.#marks.size > 0 && this.#marks.delete(subject);
    const ended = (performed: Performed): void => {
      this.#running.delete(subject);
      if (!run.wasTold) this.#untold.delete(subject);
      this.#answer(subject, job, performed);
      this.#grants.giveBack();
    };
    this.#settings.perform({ id: subject, text, attempt: 1, isCancelled, progress: () => {} }).then(ended);
  }

  /** One timer for all: most jobs are over before it. */
  readonly #tellLong = (): void => {
    const now = this.#loop.time();
    for (const [subject, run] of this.#untold) {
      const left = run.began + TIME_TO_TELL - now;
      if (left > 0) {
        this.#loop.callLater(left, this.#tellLong);
        return;
      }
      this.#untold.delete(subject);
      run.wasTold = true;
      this.#tellStarted(subject);
    }
  };

  #answer(
    subject: string,
    { inbox, number }: { readonly inbox: string; readonly number: number },
    performed: Performed,
  ): void {
    if ('abandoned' in performed) {
      this.#publish(`${subject}.a`, this.#self);
      return;
    }
    const { reply } = performed;
    this.#publish(subject, reply);
    this.#given.set(subject, { inbox, number, reply, at: this.#loop.time() });
    this.#bytesGiven += reply.length;
    for (const [oldest, { reply }] of this.#given) {
      if (this.#bytesGiven <= BYTES_KEPT) break;
      this.#drop(oldest, reply);
    }
  }

  #drop(subject: string, reply: string): void {
    this.#given.delete(subject);
    this.#bytesGiven -= reply.length;
  }

  /** Once a second: what clients have thanked for is among the youngest. */
  #dropOld(): void {
    const oldest = this.#loop.time() - TIME_KEPT;
    for (const [subject, { inbox, number, reply, at }] of this.#given) {
      const thanks = this.#thanks.get(inbox);
      const isThanked = thanks !== undefined && number < thanks.below && !thanks.but.has(number);
      if (isThanked || at < oldest) this.#drop(subject, reply);
    }
    this.#thanks.clear();
    this.#dropOldMarks();
  }

  #dropOldMarks(): void {
    const oldest = this.#loop.time() - TIME_KEPT;
    for (const [subject, at] of this.#marks) {
      if (at >= oldest && this.#marks.size <= MARKS_KEPT) break;
      this.#marks.delete(subject);
    }
  }

  get #self(): string {
    return `${this.#id} ${this.#settings.offer.worker}`;
  }

  #tellStarted(subject: string): void {
    this.#publish(`${subject}.s`, this.#self);
  }

  /** What cannot be sent now is asked for later. */
  #publish(subject: string, text: string): void {
    this.#line.tell(subject, text);
  }

  // ------------------------------------------------------------------------------------------------ notices

  #noticed(message: NatsMessage): void {
    const notice = parsed<Notice>(message.string());
    switch (notice?.t) {
      case 'ask':
        if (message.reply) this.#present(message.reply, notice.jobs);
        break;
      case 'cancel':
        if (this.#running.has(notice.job)) this.#settings.cancel(notice.job);
        else if (!this.#given.has(notice.job)) {
          this.#marks.set(notice.job, this.#loop.time());
          this.#dropOldMarks();
        }
        break;
      case 'thanks':
        this.#thanks.set(notice.inbox, { below: notice.below, but: new Set(notice.but) });
        break;
      case 'renew':
        this.#leases.set(notice.client, this.#loop.time() + notice.seconds);
        break;
      case 'demand':
        this.#grants.ask(notice.inbox);
        break;
      case 'unused':
        this.#grants.unused(notice.inbox, notice.places);
        break;
    }
  }

  /** The answer to a client, or to another worker. An answer to a job that the client still asks for was lost: it comes first, once more. */
  #present(to: string, jobs: readonly number[]): void {
    const client = to.slice(0, to.lastIndexOf('.k.'));
    const has = jobs.filter((number) => {
      const subject = answerSubject(client, number);
      const given = this.#given.get(subject);
      if (given !== undefined) this.#publish(subject, given.reply);
      return given !== undefined || this.#running.has(subject);
    });
    const { offer, lease } = this.#settings;
    const presence: Presence = { id: this.#id, offer, isTaking: !this.#isPaused, lease, now: Date.now(), has };
    this.#publish(to, JSON.stringify(presence));
  }

  // ------------------------------------------------------------------------------------------------ the worker

  /** Clients ask; and as nothing is stored, nothing was taken away. */
  async beat(): Promise<Beat> {
    this.#line.check();
    this.#dropOld();
    if (this.#loop.time() - this.#met > TIME_TO_MEET) await this.meet();
    return { cancelled: [], lost: [] };
  }

  /** Hears of the other workers, and of itself. To be called before the first job, which would have to wait for it. */
  async meet(): Promise<void> {
    await this.#census.ask([]);
    this.#met = this.#loop.time();
  }

  /** A client whose lease was not heard of, because this worker is new, has one from the first question on. */
  async lostClients(clients: readonly string[]): Promise<readonly string[]> {
    const now = this.#loop.time();
    const lost = clients.filter((client) => {
      const end = this.#leases.get(client);
      if (end === undefined) this.#leases.set(client, now + this.#settings.lease);
      return end !== undefined && end < now;
    });
    for (const [client, end] of this.#leases) if (end < now - TIME_KEPT) this.#leases.delete(client);
    return lost;
  }

  async clock(): Promise<number> {
    return this.#census.now();
  }

  async pause(): Promise<void> {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#jobs.unsubscribe();
    this.#grants.close();
    // Jobs that were on their way are sent back.
    await this.#line.leave();
  }

  async close(): Promise<void> {
    await this.pause();
    for (const subscription of this.#others) subscription.unsubscribe();
    await this.#line.close();
  }
}
