import type { Beat, Performed, WorkerLink, WorkerSettings } from '../distributed/engine.ts';
import type { EventLoop } from '../kernel/lowlevel.ts';
import type { NatsMessage } from './bus.ts';
import { Census } from './census.ts';
import { Grants } from './grants.ts';
import { type Answers, KeptAnswers } from './kept-answers.ts';
import type { Line } from './line.ts';
import { type Notice, type Presence, parsed } from './notices.ts';
import { answerSubject, jobOf, type QueueSubjects, subjectsOf } from './subjects.ts';

/** How long a job runs before its client is told that it was started, in seconds: a function that is done by then costs one message. */
const TIME_TO_TELL = 0.005;
/** For how long cancellations of jobs that have not come are kept, and leases that have ended, in seconds. */
const TIME_KEPT = 60;
/** How many cancellations of jobs that have not come are kept. */
const MARKS_KEPT = 10_000;

/** Seconds between two questions to the other workers, one of whose clocks counts for all. */
const TIME_TO_MEET = 30;

/** A job that runs. */
interface Run {
  /** The subject for its answer. */
  readonly subject: string;
  /** On the loop's clock. */
  readonly began: number;
  wasTold: boolean;
}

/** The jobs of one client here, by their numbers: one that was sent twice runs once. */
interface Jobs {
  readonly running: Map<number, Run>;
  readonly answers: Answers;
}

/** NATS carries no progress. */
function nothing(): void {}

/** How long a client counts as alive after its last sign. */
interface Lease {
  readonly seconds: number;
  /** For how many seconds nothing was heard of it; the time before an interruption counts, that of the interruption does not. */
  silent: number;
  /** On the loop's clock: up to when that is. */
  until: number;
}

/** The lease of a client that this worker, which is new, has not heard so far: a client gives a sign each second while it waits for jobs. */
const UNHEARD = 30;

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
  /** By the inboxes of the clients. */
  readonly #clients = new Map<string, Jobs>();
  readonly #answers = new KeptAnswers();
  /** Those that run and whose clients were not told, the oldest first. */
  readonly #untold = new Set<Run>();
  /** Invariant: while there are some in `#untold`, it is true, and a timer is set. */
  #isTelling = false;
  /** When jobs that have not come here were cancelled, the oldest first. */
  readonly #marks = new Map<string, number>();
  readonly #leases = new Map<string, Lease>();
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
    const named = jobOf(reply);
    if (named === null) return; // of another program that uses the subject
    const { inbox, number } = named;
    const client = this.#client(inbox);
    const run = client.running.get(number);
    if (run !== undefined) {
      if (run.wasTold) this.#tellStarted(reply);
      return;
    }
    const given = client.answers.get(number);
    if (given !== undefined) this.#publish(reply, given);
    else if (this.#grants.take(inbox, isGranted)) this.#perform(client, number, reply, message.string());
    else this.#publish(`${reply}.b`, this.#id);
  }

  #client(inbox: string): Jobs {
    let client = this.#clients.get(inbox);
    if (client === undefined) {
      client = { running: new Map(), answers: this.#answers.of() };
      this.#clients.set(inbox, client);
    }
    return client;
  }

  #perform(client: Jobs, number: number, subject: string, text: string): void {
    const isCancelled = this.#marks.size > 0 && this.#marks.delete(subject);
    const began = this.#loop.time();
    const performed = this.#settings.perform({ id: subject, text, attempt: 1, isCancelled, progress: nothing });
    if (!(performed instanceof Promise)) {
      this.#performed(client, number, subject, performed);
      return;
    }
    const run: Run = { subject, began, wasTold: false };
    client.running.set(number, run);
    this.#untold.add(run);
    if (!this.#isTelling) {
      this.#isTelling = true;
      this.#loop.callLater(TIME_TO_TELL, this.#tellLong);
    }
    performed.then((performed) => {
      client.running.delete(number);
      if (!run.wasTold) this.#untold.delete(run);
      this.#performed(client, number, subject, performed);
    });
  }

  #performed(client: Jobs, number: number, subject: string, performed: Performed): void {
    if ('abandoned' in performed) {
      // What was not started goes back to its client like one for which there was no place, and is sent to another worker.
      if (performed.isStarted) this.#publish(`${subject}.a`, this.#self);
      else this.#publish(`${subject}.b`, this.#id);
    } else {
      this.#publish(subject, performed.reply);
      client.answers.add(number, performed.reply, this.#loop.time());
    }
    this.#grants.giveBack();
  }

  /** One timer for all, because most jobs are over before it. */
  readonly #tellLong = (): void => {
    const now = this.#loop.time();
    for (const run of this.#untold) {
      const left = run.began + TIME_TO_TELL - now;
      if (left > 0) {
        this.#loop.callLater(left, this.#tellLong);
        return;
      }
      this.#untold.delete(run);
      run.wasTold = true;
      this.#tellStarted(run.subject);
    }
    this.#isTelling = false;
  };

  /** Once a second. */
  #dropOld(): void {
    const now = this.#loop.time();
    for (const [inbox, { running, answers }] of this.#clients) {
      answers.dropOld(now);
      if (running.size > 0 || !answers.isEmpty) continue;
      this.#answers.delete(answers);
      this.#clients.delete(inbox);
    }
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
        this.#cancel(notice.job);
        break;
      case 'thanks':
        this.#clients.get(notice.inbox)?.answers.thank(notice.below, new Set(notice.but));
        break;
      case 'renew':
        this.#leases.set(notice.client, { seconds: notice.seconds, silent: 0, until: this.#loop.time() });
        break;
      case 'demand':
        this.#grants.ask(notice.inbox);
        break;
      case 'unused':
        this.#grants.unused(notice.inbox, notice.places);
        break;
    }
  }

  #cancel(subject: string): void {
    const job = jobOf(subject);
    const client = this.#clients.get(job?.inbox ?? '');
    if (client?.running.has(job!.number) === true) this.#settings.cancel(subject);
    else if (client?.answers.get(job!.number) === undefined) {
      this.#marks.set(subject, this.#loop.time());
      this.#dropOldMarks();
    }
  }

  /** The answer to a client, or to another worker. An answer to a job that the client still asks for was lost: it comes first, once more. */
  #present(to: string, jobs: readonly number[]): void {
    const inbox = to.slice(0, to.lastIndexOf('.k.'));
    const client = this.#clients.get(inbox);
    const has = jobs.filter((number) => {
      const given = client?.answers.get(number);
      if (given !== undefined) this.#publish(answerSubject(inbox, number), given);
      return given !== undefined || client?.running.has(number) === true;
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

  /** Time in which this worker was cut off says nothing about clients, and does not count. */
  async lostClients(clients: readonly string[]): Promise<readonly string[]> {
    this.#line.check();
    const now = this.#loop.time();
    const lost = clients.filter((client) => {
      const lease = this.#leases.get(client);
      if (lease === undefined) {
        this.#leases.set(client, { seconds: UNHEARD, silent: 0, until: now });
        return false;
      }
      lease.silent += now - Math.max(lease.until, this.#line.returned);
      lease.until = now;
      return lease.silent > lease.seconds;
    });
    for (const [client, { until, seconds }] of this.#leases)
      if (until + seconds < now - TIME_KEPT) this.#leases.delete(client);
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
