import { CancelledError, Future, getRunningLoop, type Lock, type Task, TimeoutError } from 'asyncio-ts';

/** Primitives with the faults that asyncio's had, each built in the way of the version that had it. */

type Steps<T> = Generator<unknown, T, unknown>;

/** The future that a task waits on, named for the messages. */
class Place extends Future<void> {
  readonly #what: string;

  constructor(what: string) {
    super({ loop: getRunningLoop() });
    this.#what = what;
  }

  override toString(): string {
    return this.#what;
  }
}

function leave(places: Place[], place: Place): void {
  const at = places.indexOf(place);
  if (at >= 0) places.splice(at, 1);
}

/** What the kernels do with a lock, with the fault or without. */
export interface AnyLock {
  acquire(): Iterable<unknown>;
  release(): void;
}

/** Until 3.6.2: a task that is woken and cancelled takes its wake-up with it. */
export class ForgetfulLock implements AnyLock {
  #isLocked = false;
  readonly #places: Place[] = [];

  *acquire(): Steps<void> {
    if (this.#isLocked || this.#places.some((place) => !place.cancelled())) {
      const place = new Place('<Lock>');
      this.#places.push(place);
      try {
        yield* place;
      } finally {
        leave(this.#places, place);
      }
    }
    this.#isLocked = true;
  }

  release(): void {
    this.#isLocked = false;
    this.#places.find((place) => !place.done())?.setResult();
  }
}

/** Until 3.6.5: a waiter that is cancelled while the lock is free wakes another one, though one was woken already and has not run yet. */
export class GenerousLock implements AnyLock {
  #isLocked = false;
  readonly #places: Place[] = [];

  *acquire(): Steps<void> {
    if (this.#isLocked || this.#places.some((place) => !place.cancelled())) {
      const place = new Place('<Lock>');
      this.#places.push(place);
      try {
        yield* place;
      } catch (error) {
        if (error instanceof CancelledError && !this.#isLocked) this.#wakeFirst();
        throw error;
      } finally {
        leave(this.#places, place);
      }
    }
    this.#isLocked = true;
  }

  release(): void {
    this.#isLocked = false;
    this.#wakeFirst();
  }

  #wakeFirst(): void {
    this.#places.find((place) => !place.done())?.setResult();
  }
}

/** In 3.4 and 3.5.0: a task that is woken and cancelled does not wake the next one. */
export class ForgetfulSemaphore implements AnyLock {
  #value: number;
  readonly #places: Place[] = [];

  constructor(value: number) {
    this.#value = value;
  }

  *acquire(): Steps<void> {
    while (this.#value <= 0) {
      const place = new Place('<Semaphore>');
      this.#places.push(place);
      try {
        yield* place;
      } finally {
        leave(this.#places, place);
      }
    }
    this.#value--;
  }

  release(): void {
    this.#value++;
    this.#places.find((place) => !place.done())?.setResult();
  }
}

/** Until 3.10.3: who has not waited takes a unit past those who were woken for it. */
export class UnfairSemaphore implements AnyLock {
  #value: number;
  #places: Place[] = [];

  constructor(value: number) {
    this.#value = value;
  }

  *acquire(): Steps<void> {
    while (this.#value <= 0) {
      const place = new Place('<Semaphore>');
      this.#places.push(place);
      try {
        yield* place;
      } catch (error) {
        if (this.#value > 0 && !place.cancelled()) this.#wakeNext();
        throw error;
      }
    }
    this.#value--;
  }

  release(): void {
    this.#value++;
    this.#wakeNext();
  }

  #wakeNext(): void {
    const next = this.#places.findIndex((place) => !place.done());
    if (next < 0) return;
    this.#places[next]!.setResult();
    this.#places = this.#places.slice(next + 1);
  }
}

/** From 3.10.4 to 3.10.7: that somebody is woken is remembered, and forgotten by nobody when the one who is woken is cancelled. */
export class StuckSemaphore implements AnyLock {
  #value: number;
  #isWakeUpOnItsWay = false;
  readonly #places: Place[] = [];

  constructor(value: number) {
    this.#value = value;
  }

  *acquire(): Steps<void> {
    while (this.#isWakeUpOnItsWay || this.#value <= 0) {
      const place = new Place('<Semaphore>');
      this.#places.push(place);
      try {
        yield* place;
        this.#isWakeUpOnItsWay = false;
      } catch (error) {
        this.#wakeNext();
        throw error;
      }
    }
    this.#value--;
  }

  release(): void {
    this.#value++;
    this.#wakeNext();
  }

  #wakeNext(): void {
    for (;;) {
      const place = this.#places.shift();
      if (place === undefined) return;
      if (place.done()) continue;
      place.setResult();
      this.#isWakeUpOnItsWay = true;
      return;
    }
  }
}

/** What the kernels do with a condition. */
export interface AnyCondition {
  wait(): Iterable<unknown>;
  notify(count?: number): void;
}

/** Until 3.5.2: the lock is acquired again once, and a cancellation ends that. */
export class LocklessCondition implements AnyCondition {
  readonly #lock: Lock;
  readonly #places: Place[] = [];

  constructor(lock: Lock) {
    this.#lock = lock;
  }

  *wait(): Steps<void> {
    this.#lock.release();
    try {
      const place = new Place('<Condition>');
      this.#places.push(place);
      try {
        yield* place;
      } finally {
        leave(this.#places, place);
      }
    } finally {
      yield* this.#lock.acquire();
    }
  }

  notify(count = 1): void {
    for (const place of this.#places.filter((one) => !one.done()).slice(0, count)) place.setResult();
  }
}

/** Until 3.12: a notification of a task that is cancelled before it runs is not passed on. */
export class ForgetfulCondition implements AnyCondition {
  readonly #lock: Lock;
  readonly #places: Place[] = [];

  constructor(lock: Lock) {
    this.#lock = lock;
  }

  *wait(): Steps<void> {
    this.#lock.release();
    let failure: { readonly error: unknown } | null = null;
    const place = new Place('<Condition>');
    this.#places.push(place);
    try {
      yield* place;
    } catch (error) {
      failure = { error };
    }
    leave(this.#places, place);
    for (;;) {
      try {
        yield* this.#lock.acquire();
        break;
      } catch (error) {
        failure = { error };
        if (!(error instanceof CancelledError)) break;
      }
    }
    if (failure !== null) throw failure.error;
  }

  notify(count = 1): void {
    for (const place of this.#places.filter((one) => !one.done()).slice(0, count)) place.setResult();
  }
}

/** In 3.4.3: an item is given to whoever waits for one, even if that is cancelled before it runs. */
export class LosingQueue<T> {
  readonly #items: T[] = [];
  readonly #getters: Future<T>[] = [];

  *get(): Steps<T> {
    if (this.#items.length > 0) return this.#items.shift()!;
    const getter = getRunningLoop().createFuture<T>();
    this.#getters.push(getter);
    return (yield* getter) as T;
  }

  putNowait(item: T): void {
    for (;;) {
      const getter = this.#getters.shift();
      if (getter === undefined) break;
      if (getter.done()) continue;
      getter.setResult(item);
      return;
    }
    this.#items.push(item);
  }
}

/**
 * Until 3.11: when it is cancelled, and what it waits for is done, it gives the result of that.
 *
 * @param isHasty as it was before bpo-37658: it throws what has come away, instead
 */
export function* swallowingWaitFor<T>(task: Task<T>, timeout: number, isHasty = false): Steps<T> {
  const loop = getRunningLoop();
  const waiter = new Place('<wait_for>');
  const release = (): void => {
    if (!waiter.done()) waiter.setResult();
  };
  const timer = loop.callLater(timeout, release);
  task.addDoneCallback(release);
  try {
    try {
      yield* waiter;
    } catch (error) {
      if (task.done() && !isHasty) return task.result();
      task.removeDoneCallback(release);
      task.cancel();
      throw error;
    }
    if (task.done()) return task.result();
    task.cancel();
    throw new TimeoutError();
  } finally {
    timer.cancel();
  }
}
