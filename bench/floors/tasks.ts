import { AsyncLocalStorage } from 'node:async_hooks';
import { check, now, sumBelow } from '../lib/clock.ts';
import type { Contender } from '../lib/subject.ts';
import { gather } from '../subjects/gather.ts';
import { spawnJoin } from '../subjects/spawn-join.ts';
import { inContextOfItsOwn } from './context.ts';
import { floorOf } from './floor.ts';

/** What it takes to make a task, to run it in the next iteration of a loop, and to have its result. */

function* trivial(n: number): Generator<unknown, number, unknown> {
  return n;
}

async function trivialAsync(n: number): Promise<number> {
  return n;
}

/** The fields without which a task cannot run. */
class SmallTask {
  frame: Generator<unknown, number, unknown> | null;
  value: number | null = null;
  done = false;
  previous: SmallTask | null = null;
  next: SmallTask | null = null;

  constructor(frame: Generator<unknown, number, unknown>) {
    this.frame = frame;
  }

  step(): void {
    const { done, value } = this.frame!.next();
    if (done !== true) return;
    this.frame = null;
    this.value = value as number;
    this.done = true;
  }
}

/** As many fields as `Task` of this library has. */
class TaskOfElevenFields extends SmallTask {
  loop: object | null = null;
  context: object | null = null;
  rare: object | null = null;
  waiter: object | null = null;
  name: string | number = 0;
  coroutine: object | null = null;
}

class TaskOfSixteenFields extends TaskOfElevenFields {
  message: object | null = null;
  error: object | null = null;
  scope: object | null = null;
  parents: object | null = null;
  purpose: object | null = null;
}

/** Makes tasks of generators, runs each of them once, and adds up their results. */
function generators(name: string, Task: new (frame: Generator<unknown, number, unknown>) => SmallTask): Contender {
  return {
    name,
    run: async (count) => {
      const begin = now();
      const tasks: SmallTask[] = [];
      let last: SmallTask | null = null;
      for (let i = 0; i < count; i++) {
        const task: SmallTask = new Task(trivial(i));
        task.previous = last;
        if (last !== null) last.next = task;
        last = task;
        tasks.push(task);
      }
      for (const task of tasks) task.step();
      let sum = 0;
      for (const task of tasks) sum += task.value!;
      check(sum, sumBelow(count));
      return now() - begin;
    },
  };
}

const generatorTasks: readonly Contender[] = [
  generators('gen floor: tasks of five fields', SmallTask),
  generators('… of eleven, as here', TaskOfElevenFields),
  generators('… of sixteen', TaskOfSixteenFields),
];

/** Calls async functions in turn, keeps what they give, and has somebody await each. */
function asyncFunctions(name: string, within: (begin: () => void) => void): Contender {
  return {
    name,
    run: async (count) => {
      const begin = now();
      const values: number[] = [];
      const waiters: ((value: number) => void)[] = [];
      const functions: (() => Promise<number>)[] = [];
      for (let i = 0; i < count; i++) functions.push(() => trivialAsync(i));
      for (const [i, fn] of functions.entries()) {
        within(() => {
          fn().then(
            (value) => {
              values[i] = value;
              waiters[i]?.(value);
            },
            () => {},
          );
        });
      }
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const task = { then: (resolve: (value: number) => void) => resolveWhenDone(values, waiters, i, resolve) };
        sum += await (task as PromiseLike<number>);
      }
      check(sum, sumBelow(count));
      return now() - begin;
    },
  };
}

function resolveWhenDone(
  values: readonly number[],
  waiters: ((value: number) => void)[],
  i: number,
  resolve: (value: number) => void,
): void {
  const value = values[i];
  if (value === undefined) waiters[i] = resolve;
  else resolve(value);
}

const storage = new AsyncLocalStorage<object>();

const asyncTasks: readonly Contender[] = [
  asyncFunctions('async floor: call, follow, join', (begin) => begin()),
  asyncFunctions('… in an async context each', (begin) => inContextOfItsOwn(storage, begin)),
];

export const spawnFloor = floorOf(spawnJoin, [...generatorTasks, ...asyncTasks]);

export const gatherFloor = floorOf(gather, generatorTasks);
