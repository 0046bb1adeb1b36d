import type { EventLoop, Future } from '../kernel/lowlevel.ts';
import { isNobody, type NatsMessage } from './bus.ts';
import type { Line } from './line.ts';
import { type Notice, type Presence, parsed } from './notices.ts';

/** How long workers may take to answer, in seconds. */
const PATIENCE = 0.5;
/** While no worker is known that takes jobs, one that answers is not waited for longer than this after the last answer, in seconds. */
const QUIET = 0.03;

/** Answers that have come while this loop was blocked are read for so long after the patience, in seconds. */
const TIME_TO_READ = 0.03;
/** A worker is not gone before so many questions in sequence were not answered: a loop that was blocked has heard nobody. */
const MISSES = 2;

/** A worker, as far as it is known. */
export interface Known {
  presence: Presence;
  /** How many questions in sequence it has not answered. */
  missed: number;
  /** For how many seconds it has not answered; the time before an interruption counts, that of the interruption does not. */
  silent: number;
  /** On the loop's clock: up to when that is. */
  missedAt: number;
  /** In milliseconds: its clock at zero of the loop's. */
  clock: number;
}

/** One question to all workers. */
interface Question {
  readonly asked: number;
  /** Whether no worker that takes jobs was known when it was asked. */
  readonly isFirst: boolean;
  readonly answers: Map<string, Presence>;
  /** Whether the server has said that there is no worker. */
  isNobody: boolean;
  /** Whether it could not be asked, so that silence says nothing. */
  isUnsent: boolean;
  readonly wait: Future<void>;
  timer: { cancel(): void };
}

/** What was answered to a question. */
export interface Answers {
  /** By the ids of the workers. */
  readonly from: ReadonlyMap<string, Presence>;
  /** Whether there is no worker: the server has said so, which silence does not say. */
  readonly isNobody: boolean;
}

/**
 * Who serves a queue: known by their answers. One that has not answered for the length of its lease is gone. Time in which this process was itself
 * cut off, or blocked, says nothing about workers, and does not count.
 */
export class Census {
  readonly #loop: EventLoop;
  readonly #line: Line;
  readonly #all: string;
  readonly #inbox: string;
  readonly #questions = new Map<string, Question>();
  #count = 0;
  /** By their ids, which tell apart two workers of the same name. */
  readonly known = new Map<string, Known>();

  /** @param inbox the subject to which answers come, with a number at its end */
  constructor(loop: EventLoop, line: Line, all: string, inbox: string) {
    this.#loop = loop;
    this.#line = line;
    this.#all = all;
    this.#inbox = inbox;
  }

  /** Whether a worker is known that takes jobs: one that is about to end does not. */
  get isServed(): boolean {
    for (const { presence } of this.known.values()) if (presence.isTaking) return true;
    return false;
  }

  /**
   * Asks all workers which of these jobs they have.
   *
   * @returns the answers that have come in time
   * @throws {Error} when the connection is lost
   */
  async ask(jobs: readonly number[]): Promise<Answers> {
    this.#line.check();
    const { losses } = this.#line;
    const number = String(++this.#count);
    const question: Question = {
      asked: this.#loop.time(),
      isFirst: !this.isServed,
      answers: new Map(),
      isNobody: false,
      isUnsent: false,
      wait: this.#loop.createFuture<void>(),
      timer: this.#loop.callLater(PATIENCE, () => {
        question.timer = this.#loop.callLater(TIME_TO_READ, () => this.#over(number));
      }),
    };
    this.#questions.set(number, question);
    const notice: Notice = { t: 'ask', jobs };
    try {
      this.#line.ask(this.#all, JSON.stringify(notice), `${this.#inbox}.${number}`, () => {
        question.isUnsent = true;
        this.#over(number);
      });
      await question.wait;
    } finally {
      question.timer.cancel();
      this.#questions.delete(number);
    }
    // No answer of a lost connection says anything.
    this.#line.check();
    if (question.isUnsent || this.#line.losses !== losses)
      throw new Error('the connection to NATS was lost while it was asked for workers');
    for (const [id, worker] of this.known) {
      if (question.answers.has(id)) continue;
      const now = this.#loop.time();
      worker.missed++;
      worker.silent += now - Math.max(worker.missedAt, this.#line.returned);
      worker.missedAt = now;
      if (worker.missed >= MISSES && worker.silent > worker.presence.lease) this.known.delete(id);
    }
    return { from: question.answers, isNobody: question.isNobody };
  }

  /** An answer has come. */
  receive(message: NatsMessage): void {
    const number = message.subject.slice(message.subject.lastIndexOf('.') + 1);
    const question = this.#questions.get(number);
    if (isNobody(message)) {
      if (question !== undefined) question.isNobody = true;
      this.#over(number);
      return;
    }
    const presence = parsed<Presence>(message.string());
    if (presence === null) return;
    const heard = this.#loop.time();
    const asked = question?.asked ?? heard;
    const clock = presence.now - ((asked + heard) / 2) * 1_000;
    this.known.set(presence.id, { presence, missed: 0, silent: 0, missedAt: heard, clock });
    if (question === undefined) return;
    question.answers.set(presence.id, presence);
    if (![...this.known.keys()].every((id) => question.answers.has(id))) return;
    question.timer.cancel();
    if (question.isFirst) question.timer = this.#loop.callLater(QUIET, () => this.#over(number));
    else this.#over(number);
  }

  /** The clock that counts for all, in milliseconds since 1970: that of one worker. This process's own when there is none. */
  now(): number {
    let first: Known | null = null;
    for (const one of this.known.values()) {
      if (first === null || one.presence.id < first.presence.id) first = one;
    }
    return first === null ? Date.now() : first.clock + this.#loop.time() * 1_000;
  }

  #over(number: string): void {
    const wait = this.#questions.get(number)?.wait;
    if (wait !== undefined && !wait.done()) wait.setResult();
  }
}
