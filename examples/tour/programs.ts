/** The programs of the tutorial, with what to expect of them. The tour runs them in real time, the unit tests in simulated time. */

import { type CoroutineFunction, type EventLoop, run } from 'asyncio-ts';
import * as async1 from '../tutorial/01-gather-and-wait/async.ts';
import * as generators1 from '../tutorial/01-gather-and-wait/generators.ts';
import * as async2 from '../tutorial/02-done-callback/async.ts';
import * as generators2 from '../tutorial/02-done-callback/generators.ts';
import * as async3 from '../tutorial/03-ninety-nine/async.ts';
import * as generators3 from '../tutorial/03-ninety-nine/generators.ts';
import * as async4 from '../tutorial/04-result-too-early/async.ts';
import * as generators4 from '../tutorial/04-result-too-early/generators.ts';
import * as async5 from '../tutorial/05-return-when/async.ts';
import * as generators5 from '../tutorial/05-return-when/generators.ts';
import * as async6 from '../tutorial/06-background-task/async.ts';
import * as generators6 from '../tutorial/06-background-task/generators.ts';
import * as async7 from '../tutorial/07-a-loop-for-each-thread/async.ts';
import * as generators7 from '../tutorial/07-a-loop-for-each-thread/generators.ts';
import * as async8 from '../tutorial/08-ensure-future/async.ts';
import * as generators8 from '../tutorial/08-ensure-future/generators.ts';
import * as async9 from '../tutorial/09-three-spellings/async.ts';
import * as generators9 from '../tutorial/09-three-spellings/generators.ts';

/** The two spellings of a coroutine. */
export type Spelling = 'async' | 'generators';

/** Runs a program on a loop that the function makes; returns a promise of its result. */
export type Start = (loopFactory: () => EventLoop) => Promise<unknown>;

/** A program, or one of the ways that a program demonstrates. */
export interface Part {
  /** The number of the program, and what it demonstrates. */
  readonly title: string;
  /** How long it takes; `null` when that depends on the machine. */
  readonly seconds: number | null;
  readonly result: unknown;
  readonly start: Readonly<Record<Spelling, Start>>;
}

function part<T>(
  title: string,
  seconds: number | null,
  result: T,
  inAsync: CoroutineFunction<T>,
  inGenerators: CoroutineFunction<T>,
): Part {
  const starting =
    (main: CoroutineFunction<T>): Start =>
    (loopFactory) =>
      run(main, { loopFactory, name: 'main' });
  return { title, seconds, result, start: { async: starting(inAsync), generators: starting(inGenerators) } };
}

const oneTo99 = Array.from({ length: 99 }, (_, i) => i + 1);

/** All of them, in the order of the tutorial. */
export const parts: readonly Part[] = [
  part('1 gather', 3, ['do1', 'do3'], async1.withGather, generators1.withGather),
  part('1 wait', 3, ['do1', 'do3'], async1.withWait, generators1.withWait),
  part('1 tasks', 3, ['do1', 'do3'], async1.withTasks, generators1.withTasks),
  part('1 one after the other', 4, ['do1', 'do3'], async1.oneAfterTheOther, generators1.oneAfterTheOther),
  {
    title: '2 done callback',
    seconds: 1,
    result: ['do1'],
    start: {
      async: (loopFactory) => async2.program(loopFactory()),
      generators: (loopFactory) => generators2.program(loopFactory()),
    },
  },
  part('3 collected inside', 2, oneTo99, async3.collectedInside, generators3.collectedInside),
  part('3 done and pending', 2, oneTo99, async3.doneAndPending, generators3.doneAndPending),
  part('3 in order', 2, oneTo99, async3.inOrder, generators3.inOrder),
  part('4 result too early', 1, ['InvalidStateError', 'do1'], async4.main, generators4.main),
  part(
    '5 first completed',
    1,
    { done: ['quick'], pending: ['failing', 'slow'] },
    async5.firstCompleted,
    generators5.firstCompleted,
  ),
  part(
    '5 first exception',
    2,
    { done: ['quick', 'failing'], pending: ['slow'] },
    async5.firstException,
    generators5.firstException,
  ),
  part(
    '5 all completed',
    3,
    { done: ['quick', 'failing', 'slow'], pending: [] },
    async5.allCompleted,
    generators5.allCompleted,
  ),
  part('6 background task', 1, ['begins', 'was kept', 'ends'], async6.main, generators6.main),
  part(
    '7 loop for each thread',
    null,
    ['one and the same loop', 'RuntimeError', 'the new loop is the one of this thread', 'and it works'],
    async7.main,
    generators7.main,
  ),
  part(
    '8 ensureFuture',
    1,
    [
      'a coroutine: a task, do1',
      'a future: the same, a future',
      'an object: a future, a parcel',
      'made by the factory: createTask, loop.createTask',
      'their results: do1, do1',
    ],
    async8.main,
    generators8.main,
  ),
  part('9 three spellings', 0.3, [30, 30, 30], async9.main, generators9.main),
];
