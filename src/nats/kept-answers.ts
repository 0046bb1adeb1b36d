/** For how long an answer is kept that may not have arrived, in seconds. */
const TIME_KEPT = 60;
/** How many characters of answers are kept, of all clients. */
const MOST_KEPT = 16 * 1_048_576;

/** An answer that was given. */
interface Given {
  readonly reply: string;
  readonly at: number;
}

/** The answers to one client, by the numbers of its jobs, the oldest first. */
export class Answers {
  readonly #given = new Map<number, Given>();
  readonly #all: KeptAnswers;
  size = 0;

  /** Made by `KeptAnswers`. */
  constructor(all: KeptAnswers) {
    this.#all = all;
  }

  get isEmpty(): boolean {
    return this.#given.size === 0;
  }

  get(number: number): string | undefined {
    return this.#given.get(number)?.reply;
  }

  /** @param now on the loop's clock */
  add(number: number, reply: string, now: number): void {
    this.#given.set(number, { reply, at: now });
    this.size += reply.length;
    this.#all.added(reply.length);
  }

  /** The client has its answers to the jobs below a number, but for some. */
  thank(below: number, but: ReadonlySet<number>): void {
    for (const [number, { reply }] of this.#given) if (number < below && !but.has(number)) this.#drop(number, reply);
  }

  dropOld(now: number): void {
    for (const [number, { reply, at }] of this.#given) {
      if (at >= now - TIME_KEPT) return;
      this.#drop(number, reply);
    }
  }

  dropOldest(): void {
    const [oldest] = this.#given;
    if (oldest !== undefined) this.#drop(oldest[0], oldest[1].reply);
  }

  #drop(number: number, reply: string): void {
    this.#given.delete(number);
    this.size -= reply.length;
    this.#all.dropped(reply.length);
  }
}

/**
 * The answers that a worker has given, until it is known that they have arrived. A client says from time to time what it needs no more, so that few are
 * kept; those of a client that says nothing are kept for a minute. When they are too many, those of the client with the most go first.
 */
export class KeptAnswers {
  readonly #clients = new Set<Answers>();
  #size = 0;

  /** The answers to a new client. */
  of(): Answers {
    const answers = new Answers(this);
    this.#clients.add(answers);
    return answers;
  }

  /** The client is gone. */
  delete(answers: Answers): void {
    this.#size -= answers.size;
    this.#clients.delete(answers);
  }

  /** By `Answers`. */
  added(size: number): void {
    this.#size += size;
    while (this.#size > MOST_KEPT) {
      let most: Answers | null = null;
      for (const one of this.#clients) if (most === null || one.size > most.size) most = one;
      if (most === null || most.isEmpty) return;
      most.dropOldest();
    }
  }

  /** By `Answers`. */
  dropped(size: number): void {
    this.#size -= size;
  }
}
