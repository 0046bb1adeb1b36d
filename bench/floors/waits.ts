import { AsyncLocalStorage } from 'node:async_hooks';
import { check, now } from '../lib/clock.ts';
import { liveBytes } from '../lib/heap.ts';
import type { Contender } from '../lib/subject.ts';
import { lockContended } from '../subjects/lock-contended.ts';
import { memory } from '../subjects/memory.ts';
import { queue } from '../subjects/queue.ts';
import { switchMany } from '../subjects/switch-many.ts';
import { inContextOfItsOwn } from './context.ts';
import { floorOf } from './floor.ts';

/**
 * What it takes when async functions wait for something that is not a promise. The engine reads `then` of it at the `await`, makes a promise
 * and two functions that settle it, and calls the `then` that it has read in a job of its own.
 */

type Resolve = () => void;

/** What the kernel does for each await of a task, one after the other. */
interface Parts {
  /** An object for each wait, that a cancellation can find. */
  readonly hasObject: boolean;
  /** A microtask that ends the segment in which `then` was read: it tells an `await` from a call of `then`. */
  readonly endsSegment: boolean;
  /** The async context is read: it tells which task awaits. */
  readonly readsContext: boolean;
}

/** With as many fields as an object needs that a cancellation finds and that stands in a list. */
class Wait {
  resolve: Resolve;
  reject: (error: unknown) => void;
  task: object | null = null;
  scope: object | null = null;
  previous: Wait | null = null;
  next: Wait | null = null;
  began = 0;
  marks = 0;

  constructor(resolve: Resolve, reject: (error: unknown) => void) {
    this.resolve = resolve;
    this.reject = reject;
  }
}

const storage = new AsyncLocalStorage<object>();
const settled = Promise.resolve();
const segments = { ended: 0 };
const endOfSegment = (): void => {
  segments.ended++;
};

/** Lines that give way: all that wait go on when none is left that could run. */
class Turns {
  /** What lines await. */
  readonly turn: PromiseLike<void>;
  #waiting: (Resolve | Wait)[] = [];
  #running = 0;
  readonly #hasObject: boolean;

  constructor({ hasObject, endsSegment, readsContext }: Parts) {
    this.#hasObject = hasObject;
    const wait = (resolve: Resolve, reject: (error: unknown) => void): void => this.#wait(resolve, reject);
    let store: object | undefined; // kept, so that reading it is not optimised away
    this.turn = {
      get then(): never {
        if (endsSegment) settled.then(endOfSegment);
        if (readsContext) store = storage.getStore() ?? store;
        return wait as never;
      },
    };
  }

  begin(): void {
    this.#running++;
  }

  end(): void {
    this.#running--;
    this.#goOn();
  }

  #wait(resolve: Resolve, reject: (error: unknown) => void): void {
    this.#waiting.push(this.#hasObject ? new Wait(resolve, reject) : resolve);
    this.#goOn();
  }

  #goOn(): void {
    if (this.#running === 0 || this.#waiting.length < this.#running) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (one instanceof Wait) one.resolve();
      else one();
    }
  }
}

const LINES = 100;

/** A hundred lines that give way `waits` times for each operation. */
function givingWay(name: string, waits: number, parts: Parts): Contender {
  return {
    name,
    run: async (count) => {
      const turns = new Turns(parts);
      const line = async (times: number): Promise<void> => {
        turns.begin();
        for (let i = 0; i < times; i++) await turns.turn;
        turns.end();
      };
      const begin = now();
      const lines: Promise<void>[] = [];
      const times = (count / LINES) * waits;
      for (let i = 0; i < LINES; i++) lines.push(parts.readsContext ? storage.run({}, line, times) : line(times));
      for (const one of lines) await one;
      return now() - begin;
    },
  };
}

const BARE: Parts = { hasObject: false, endsSegment: false, readsContext: false };

const waiting = (waits: number): Contender[] => [
  givingWay('async floor: a bare thenable', waits, BARE),
  givingWay('… an object for each wait', waits, { ...BARE, hasObject: true }),
  givingWay('… and the end of segments', waits, { hasObject: true, endsSegment: true, readsContext: false }),
  givingWay('… and the async context', waits, { hasObject: true, endsSegment: true, readsContext: true }),
];

export const switchFloor = floorOf(switchMany, waiting(1));

/** For a contended lock, a task waits twice: for the lock, and while it holds it. */
export const lockFloor = floorOf(lockContended, waiting(2));

/** Two awaits for each item, of which nearly all end at once. */
export const queueFloor = floorOf(queue, [
  {
    name: 'async floor: two thenables',
    run: async (count) => {
      const done: PromiseLike<void> = {
        get then(): never {
          return ((resolve: Resolve) => resolve()) as never;
        },
      };
      const begin = now();
      for (let i = 0; i < count; i++) {
        await done;
        await done;
      }
      return now() - begin;
    },
  },
]);

/**
 * The async function, the promise and the two functions of its await, and what follows its own promise.
 *
 * @param begin calls the function, in an async context of its own or in that of the caller
 */
function suspended(name: string, begin: (line: () => void) => void): Contender {
  return {
    name,
    run: async (count) => {
      const waits: Wait[] = new Array(count);
      const ends: Promise<void>[] = new Array(count);
      let ended = 0;
      const end = (): void => {
        ended++;
      };
      const line = async (at: number): Promise<void> => {
        await { then: (resolve: Resolve, reject: (error: unknown) => void) => (waits[at] = new Wait(resolve, reject)) };
      };
      const before = liveBytes();
      for (let i = 0; i < count; i++) {
        begin(() => {
          const promise = line(i);
          promise.then(end, end);
          ends[i] = promise;
        });
      }
      await null;
      const bytes = liveBytes() - before;
      for (const wait of waits) wait.resolve();
      for (const promise of ends) await promise;
      check(ended, count);
      return bytes;
    },
  };
}

export const memoryFloor = floorOf(memory, [
  suspended('async floor: a bare thenable', (begin) => begin()),
  suspended('… in an async context each', (begin) => inContextOfItsOwn(storage, begin)),
]);
