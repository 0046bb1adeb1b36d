import { createTask } from 'asyncio-ts';
import { check, now, sumBelow } from '../lib/clock.ts';
import { missing, Queue, type QueueLike, run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** A producer and a consumer on either side of a queue that holds a hundred items. */

const CAPACITY = 100;

/**
 * The best that plain promises do: a ring of items, a promise only for who really has to wait, and items handed over from
 * one to the other, so that it is first come, first served.
 */
class PromiseQueue<T> {
  readonly #items: (T | undefined)[];
  #first = 0;
  #length = 0;
  readonly #getters: ((item: T) => void)[] = [];
  readonly #putters: { readonly item: T; readonly resolve: () => void }[] = [];

  constructor(capacity: number) {
    this.#items = new Array<T | undefined>(capacity).fill(undefined);
  }

  put(item: T): Promise<void> | undefined {
    const getter = this.#getters.shift();
    if (getter !== undefined) {
      getter(item);
    } else if (this.#length < this.#items.length) {
      this.#append(item);
    } else {
      return new Promise((resolve) => {
        this.#putters.push({ item, resolve });
      });
    }
    return undefined;
  }

  get(): Promise<T> | T {
    if (this.#length === 0) {
      return new Promise((resolve) => {
        this.#getters.push(resolve);
      });
    }
    const item = this.#items[this.#first] as T;
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#items.length;
    this.#length--;
    const putter = this.#putters.shift();
    if (putter !== undefined) {
      this.#append(putter.item);
      putter.resolve();
    }
    return item;
  }

  #append(item: T): void {
    this.#items[(this.#first + this.#length++) % this.#items.length] = item;
  }
}

function newQueue(): QueueLike<number> {
  return new Queue!<number>(CAPACITY);
}

async function produceNatively(queue: PromiseQueue<number>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await queue.put(i);
}

function* produce(queue: QueueLike<number>, count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i++) yield* queue.put(i);
}

async function produceAsync(queue: QueueLike<number>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await queue.put(i);
}

async function native(count: number): Promise<number> {
  const begin = now();
  const queue = new PromiseQueue<number>(CAPACITY);
  const producer = produceNatively(queue, count);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await queue.get();
  await producer;
  const end = now();
  check(sum, sumBelow(count));
  return end - begin;
}

function gen(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    const queue = newQueue();
    const producer = createTask(produce(queue, count));
    let sum = 0;
    for (let i = 0; i < count; i++) sum += yield* queue.get();
    yield* producer;
    const end = now();
    check(sum, sumBelow(count));
    return end - begin;
  });
}

function async(count: number): Promise<number> {
  return run(async () => {
    const begin = now();
    const queue = newQueue();
    const producer = createTask(() => produceAsync(queue, count));
    let sum = 0;
    for (let i = 0; i < count; i++) sum += await queue.get();
    await producer;
    const end = now();
    check(sum, sumBelow(count));
    return end - begin;
  });
}

export const queue: Subject = {
  name: 'queue',
  title: 'bounded queue (100), one producer, one consumer',
  unit: 'item',
  quantity: 'ns',
  count: 50_000,
  rounds: 31,
  goals: { gen: 0.8, async: 4 },
  goalsOverCPython: { gen: 10, async: 4 },
  missing: missing('Queue', Queue),
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
  ],
};

if (import.meta.main) await main([queue]);
