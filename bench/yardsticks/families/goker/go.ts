import { allTasks, createTask, currentTask, Event, gather, Lock, sleep, type Task } from 'asyncio-ts';

/**
 * What the kernels of Go programs are written with: goroutines, mutexes, channels. A goroutine may be put aside before each operation that
 * another one can notice, so every operation begins by giving the others a turn.
 */

/** A goroutine, or a part of one. */
export type Go<T = void> = Generator<unknown, T, unknown>;

/** Starts a goroutine. */
export function go(name: string, body: () => Go<unknown>): Task<unknown> {
  return createTask(body, { name });
}

/** Waits until goroutines have returned, as a test does that wants to see their end. */
export function* join(...goroutines: readonly Task<unknown>[]): Go {
  yield* gather([...goroutines]);
}

/** Waits for all goroutines that have been started by anybody, as a test does that looks for those that are left. */
export function* joinAll(): Go {
  for (;;) {
    const others = [...allTasks()].filter((task) => task !== currentTask());
    if (others.length === 0) return;
    yield* join(...others);
  }
}

/** Others may run here. */
export function* preempt(): Go {
  yield* sleep(0);
}

/** `sync.Mutex`. */
export class Mutex extends Lock {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }

  *lock(): Go {
    yield* preempt();
    yield* this.acquire();
  }

  unlock(): void {
    this.release();
  }

  override toString(): string {
    return `<Mutex '${this.name}'>`;
  }
}

/** What one goroutine is blocked at: `holders` are those who keep it there, where that is known. */
class Blocked extends Event {
  readonly #what: string;
  readonly #holders: () => readonly Task<unknown>[];

  constructor(what: string, holders: () => readonly Task<unknown>[] = () => []) {
    super();
    this.#what = what;
    this.#holders = holders;
  }

  get holders(): readonly Task<unknown>[] {
    return this.#holders();
  }

  override toString(): string {
    return this.#what;
  }
}

interface Queued {
  readonly task: Task<unknown>;
  readonly isWriter: boolean;
  readonly blocked: Blocked;
}

/** `sync.RWMutex`: as soon as a writer waits, new readers wait behind it. That is why a goroutine must not read-lock it twice. */
export class RWMutex {
  readonly name: string;
  readonly #readers: Task<unknown>[] = [];
  #writer: Task<unknown> | null = null;
  #queue: Queued[] = [];

  constructor(name: string) {
    this.name = name;
  }

  *rLock(): Go {
    yield* preempt();
    const isFree = this.#writer === null && !this.#queue.some(({ isWriter }) => isWriter);
    if (isFree) this.#readers.push(currentTask()!);
    else yield* this.#wait(false);
  }

  *lock(): Go {
    yield* preempt();
    if (this.#writer === null && this.#readers.length === 0 && this.#queue.length === 0) this.#writer = currentTask();
    else yield* this.#wait(true);
  }

  rUnlock(): void {
    const at = this.#readers.indexOf(currentTask()!);
    this.#readers.splice(Math.max(at, 0), 1);
    this.#admit();
  }

  unlock(): void {
    this.#writer = null;
    // Readers that have waited for the writer come before the next writer.
    this.#queue = [
      ...this.#queue.filter(({ isWriter }) => !isWriter),
      ...this.#queue.filter(({ isWriter }) => isWriter),
    ];
    this.#admit();
  }

  *#wait(isWriter: boolean): Go {
    const holders = (): readonly Task<unknown>[] => {
      if (this.#writer !== null) return [this.#writer];
      return isWriter ? this.#readers : this.#queue.filter((queued) => queued.isWriter).map(({ task }) => task);
    };
    const blocked = new Blocked(`<RWMutex '${this.name}' for ${isWriter ? 'writing' : 'reading'}>`, holders);
    this.#queue.push({ task: currentTask()!, isWriter, blocked });
    yield* blocked.wait();
  }

  #admit(): void {
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined || this.#writer !== null || (first.isWriter && this.#readers.length > 0)) return;
      this.#queue.shift();
      if (first.isWriter) this.#writer = first.task;
      else this.#readers.push(first.task);
      first.blocked.set();
    }
  }
}

/** What a blocked goroutine does with a channel when its turn has come. */
interface Party<T> {
  readonly blocked: Blocked;
  /** Of a sender. */
  readonly item: T | undefined;
  /** Whether another case of its `select` has been taken. */
  isGone(): boolean;
  /** Tells a receiver what it gets, and a sender that it was taken. */
  finish(received: Received<T>): void;
}

/** What a receive gives: `ok` is false when the channel is closed and empty. */
export interface Received<T> {
  readonly value: T | undefined;
  readonly ok: boolean;
}

/** A channel, with room for so many items. */
export class Chan<T = true> {
  readonly name: string;
  readonly #size: number;
  readonly #items: T[] = [];
  #senders: Party<T>[] = [];
  #receivers: Party<T>[] = [];
  #isClosed = false;

  constructor(name: string, size = 0) {
    this.name = name;
    this.#size = size;
  }

  *send(item: T): Go {
    yield* select([sendTo(this, item)]);
  }

  *receive(): Go<Received<T>> {
    const chosen = yield* select([receiveFrom(this)]);
    return chosen.received as Received<T>;
  }

  close(): void {
    this.#isClosed = true;
    for (const receiver of this.#receivers.splice(0)) receiver.finish({ value: undefined, ok: false });
  }

  /** Sends if that is possible at once. */
  trySend(item: T): boolean {
    if (this.#isClosed) throw new Error(`send on closed channel '${this.name}'`);
    const receiver = this.#next(this.#receivers);
    if (receiver !== undefined) receiver.finish({ value: item, ok: true });
    else if (this.#items.length < this.#size) this.#items.push(item);
    else return false;
    return true;
  }

  /** Receives if that is possible at once. */
  tryReceive(): Received<T> | null {
    if (this.#items.length > 0) {
      const value = this.#items.shift();
      const sender = this.#next(this.#senders);
      if (sender !== undefined) {
        this.#items.push(sender.item as T);
        sender.finish({ value: undefined, ok: true });
      }
      return { value, ok: true };
    }
    const sender = this.#next(this.#senders);
    if (sender === undefined) return this.#isClosed ? { value: undefined, ok: false } : null;
    sender.finish({ value: undefined, ok: true });
    return { value: sender.item, ok: true };
  }

  queue(kind: 'send' | 'receive', party: Party<T>): void {
    (kind === 'send' ? this.#senders : this.#receivers).push(party);
  }

  #next(parties: Party<T>[]): Party<T> | undefined {
    for (;;) {
      const next = parties.shift();
      if (next === undefined || !next.isGone()) return next;
    }
  }
}

/** One case of a `select`. */
interface Case {
  readonly text: string;
  attempt(): Received<unknown> | null;
  queue(blocked: Blocked, isGone: () => boolean, finish: (received: Received<unknown>) => void): void;
}

export function receiveFrom<T>(channel: Chan<T>): Case {
  return {
    text: `a sender to '${channel.name}'`,
    attempt: () => channel.tryReceive(),
    queue: (blocked, isGone, finish) => channel.queue('receive', { blocked, item: undefined, isGone, finish }),
  };
}

export function sendTo<T>(channel: Chan<T>, item: T): Case {
  return {
    text: `a receiver of '${channel.name}'`,
    attempt: () => (channel.trySend(item) ? { value: undefined, ok: true } : null),
    queue: (blocked, isGone, finish) => channel.queue('send', { blocked, item, isGone, finish }),
  };
}

/** Which case was taken, from 0, and what it received. */
export interface Chosen {
  readonly at: number;
  readonly received: Received<unknown>;
}

/** `select`: the first case that can be taken; the others see nothing of it. */
export function* select(cases: readonly Case[]): Go<Chosen> {
  yield* preempt();
  const chosen = takeOne(cases);
  if (chosen !== null) return chosen;
  const blocked = new Blocked(`<${cases.map(({ text }) => text).join(' or ')}>`);
  let taken: Chosen | null = null;
  for (const [at, one] of cases.entries()) {
    one.queue(
      blocked,
      () => taken !== null,
      (received) => {
        taken = { at, received };
        blocked.set();
      },
    );
  }
  yield* blocked.wait();
  return taken!;
}

/** `select` with a `default`: `null` when no case can be taken at once. */
export function* selectOrDefault(cases: readonly Case[]): Go<Chosen | null> {
  yield* preempt();
  return takeOne(cases);
}

function takeOne(cases: readonly Case[]): Chosen | null {
  for (const [at, one] of cases.entries()) {
    const received = one.attempt();
    if (received !== null) return { at, received };
  }
  return null;
}

/** `sync.WaitGroup`. */
export class WaitGroup {
  readonly name: string;
  #count = 0;
  #waiting: Blocked[] = [];

  constructor(name: string) {
    this.name = name;
  }

  add(count: number): void {
    this.#count += count;
    if (this.#count === 0) for (const blocked of this.#waiting.splice(0)) blocked.set();
  }

  done(): void {
    this.add(-1);
  }

  *wait(): Go {
    yield* preempt();
    if (this.#count === 0) return;
    const blocked = new Blocked(`<WaitGroup '${this.name}'>`);
    this.#waiting.push(blocked);
    yield* blocked.wait();
  }
}

/** `sync.Cond`. Unlike the library's condition, it may be signalled without its lock. */
export class Cond {
  readonly name: string;
  readonly lock: Mutex;
  #waiting: Blocked[] = [];

  constructor(name: string, lock: Mutex) {
    this.name = name;
    this.lock = lock;
  }

  *wait(): Go {
    const blocked = new Blocked(`<Cond '${this.name}'>`);
    this.#waiting.push(blocked);
    this.lock.unlock();
    yield* blocked.wait();
    yield* this.lock.lock();
  }

  signal(): void {
    this.#waiting.shift()?.set();
  }

  broadcast(): void {
    for (const blocked of this.#waiting.splice(0)) blocked.set();
  }
}
