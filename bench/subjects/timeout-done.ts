import { timeout, waitFor } from 'asyncio-ts';
import { check, now, sumBelow } from '../lib/clock.ts';
import { run } from '../lib/library.ts';
import { main } from '../lib/main.ts';
import { ASYNC, BY_HAND, GEN, NATIVE, type Subject } from '../lib/subject.ts';

/** A deadline around something that is done at once, as around most things with a deadline. */

const LIMIT = 10;
let next = 0;

function* operation(): Generator<unknown, number, unknown> {
  return next++;
}

async function operationAsync(): Promise<number> {
  return next++;
}

/** The idiom: a race against a timer, which is cleared afterwards. */
async function within<T>(seconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), seconds * 1000);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same with a promise less, and no race. */
function withinByHand<T>(seconds: number, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('timed out')), seconds * 1000);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

async function native(count: number): Promise<number> {
  next = 0;
  const begin = now();
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await within(LIMIT, operationAsync());
  check(sum, sumBelow(count));
  return now() - begin;
}

async function byHand(count: number): Promise<number> {
  next = 0;
  const begin = now();
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await withinByHand(LIMIT, operationAsync());
  check(sum, sumBelow(count));
  return now() - begin;
}

function gen(count: number): Promise<number> {
  next = 0;
  return run(function* () {
    const begin = now();
    let sum = 0;
    for (let i = 0; i < count; i++) sum += yield* timeout(LIMIT, operation);
    check(sum, sumBelow(count));
    return now() - begin;
  });
}

function async(count: number): Promise<number> {
  next = 0;
  return run(async () => {
    const begin = now();
    let sum = 0;
    for (let i = 0; i < count; i++) sum += await timeout(LIMIT, operationAsync);
    check(sum, sumBelow(count));
    return now() - begin;
  });
}

function waitForGen(count: number): Promise<number> {
  next = 0;
  return run(function* () {
    const begin = now();
    let sum = 0;
    for (let i = 0; i < count; i++) sum += yield* waitFor(operation(), LIMIT);
    check(sum, sumBelow(count));
    return now() - begin;
  });
}

function waitForAsync(count: number): Promise<number> {
  next = 0;
  return run(async () => {
    const begin = now();
    let sum = 0;
    for (let i = 0; i < count; i++) sum += await waitFor(operationAsync, LIMIT);
    check(sum, sumBelow(count));
    return now() - begin;
  });
}

export const timeoutDone: Subject = {
  name: 'timeout-done',
  title: 'timeout around an operation done at once',
  unit: 'operation',
  quantity: 'ns',
  count: 20_000,
  goals: { gen: 0.38, async: 1.2 },
  contenders: [
    { name: NATIVE, run: native },
    { name: GEN, run: gen },
    { name: ASYNC, run: async },
    { name: BY_HAND, run: byHand },
    { name: 'gen, waitFor', run: waitForGen },
    { name: 'async, waitFor', run: waitForAsync },
  ],
};

if (import.meta.main) await main([timeoutDone]);
