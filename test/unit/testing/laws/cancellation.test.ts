import {
  asCompleted,
  Barrier,
  CancelledError,
  Condition,
  createTask,
  currentTask,
  Event,
  gather,
  getRunningLoop,
  Lock,
  mapConcurrent,
  Queue,
  Semaphore,
  shared,
  shield,
  sleep,
  type TaskGroup,
  taskGroup,
  timeout,
  wait,
  waitFor,
} from 'asyncio-ts';
import { describe } from 'vitest';
import {
  cancelAfter,
  check,
  ends,
  exploredWithCancellation,
  isAsked,
  pass,
  type Steps,
  start,
} from '../../../support/laws/explored.ts';
import type { Spelling } from '../../../support/spellings.ts';

/** What a task may wait for, with somebody who ends the wait. */
type Construct = (s: Spelling) => Steps;

/** What fails when nobody waits for it any more tells the loop: that is no fault here. */
function mayTellTheLoop(): void {
  getRunningLoop().setExceptionHandler(() => {});
}

/** Ends something after some steps. */
function soon(s: Spelling, end: () => unknown): void {
  start(s, 'other', function* () {
    yield* pass(s, 2);
    end();
  });
}

/** How much work of the present run has begun and not ended. */
let running = 0;

function* work(s: Spelling, steps: number, error: Error | null = null): Steps<number> {
  running++;
  try {
    if (steps === FOREVER) yield* s.wait(new Event().wait());
    else yield* pass(s, steps);
    if (error !== null) throw error;
    return steps;
  } finally {
    // Work has something to clean up.
    try {
      yield* pass(s, 1);
    } finally {
      running--;
    }
  }
}

const FOREVER = Number.POSITIVE_INFINITY;

const ERROR = new Error('the error of the work');
const works = (s: Spelling, steps: number, error: Error | null = null) => s.fn(() => work(s, steps, error));
const forever = (s: Spelling) => works(s, FOREVER);

const constructs: Readonly<Record<string, Construct>> = {
  *'sleep(0)'(s) {
    yield* pass(s, 3);
  },
  *'sleep(1)'(s) {
    yield* s.wait(sleep(1));
  },
  *'the end of a task'(s) {
    yield* s.wait(createTask(works(s, 2)));
  },
  *'the end of a task that fails'(s) {
    yield* s.wait(createTask(works(s, 2, ERROR)));
  },
  *'an event'(s) {
    const event = new Event();
    soon(s, () => event.set());
    yield* s.wait(event.wait());
  },
  *'a lock'(s) {
    const lock = new Lock();
    lock.acquire()[Symbol.iterator]().next();
    soon(s, () => lock.release());
    using _ = yield* s.wait(lock.acquire());
  },
  *'a semaphore'(s) {
    const semaphore = new Semaphore(0);
    soon(s, () => semaphore.release());
    using _ = yield* s.wait(semaphore.acquire());
  },
  *'a condition'(s) {
    const condition = new Condition();
    using _ = yield* s.wait(condition.acquire());
    start(s, 'other', function* () {
      using _ = yield* s.wait(condition.acquire());
      condition.notify();
      yield* pass(s, 2);
    });
    yield* s.wait(condition.wait());
  },
  *'a barrier'(s) {
    const barrier = new Barrier(2);
    const other = start(s, 'other', function* () {
      yield* pass(s, 1);
      yield* s.wait(barrier.wait());
    });
    try {
      yield* s.wait(barrier.wait());
    } finally {
      other.cancel();
    }
  },
  *'an item'(s) {
    const queue = new Queue<number>();
    soon(s, () => queue.putNowait(1));
    yield* s.wait(queue.get());
  },
  *'room for an item'(s) {
    const queue = new Queue<number>(1);
    queue.putNowait(1);
    soon(s, () => queue.getNowait());
    yield* s.wait(queue.put(2));
  },
  *'the end of all items'(s) {
    const queue = new Queue<number>();
    queue.putNowait(1);
    soon(s, () => queue.taskDone());
    yield* s.wait(queue.join());
  },
  *'gather()'(s) {
    yield* s.wait(gather([works(s, 1), works(s, 2)]));
  },
  // Not gather() with an error: a request that it has passed on to its tasks is theirs, whatever it fails with (as in CPython).
  *'gather() with returnExceptions'(s) {
    yield* s.wait(gather([works(s, 1, ERROR), works(s, 2)], { returnExceptions: true }));
  },
  *'wait()'(s) {
    yield* s.wait(wait([createTask(works(s, 1)), createTask(works(s, 2))]));
  },
  *'shield()'(s) {
    yield* s.wait(shield(createTask(works(s, 2))));
  },
  *'shared()'(s) {
    yield* s.wait(shared(works(s, 2))());
  },
  *'shared() that fails'(s) {
    mayTellTheLoop();
    yield* s.wait(shared(works(s, 2, ERROR))());
  },
  *'asCompleted()'(s) {
    for (const next of asCompleted([createTask(works(s, 1)), createTask(works(s, 2))])) yield* s.wait(next);
  },
  *'mapConcurrent()'(s) {
    const each = s.fn((steps: number) => work(s, steps));
    yield* s.wait(mapConcurrent([1, 2, 0], each, { limit: 2 }));
  },
  *'mapConcurrent() that fails'(s) {
    mayTellTheLoop();
    const each = s.fn((steps: number) => work(s, steps, steps === 1 ? ERROR : null));
    yield* s.wait(mapConcurrent([2, 1, 0], each, { limit: 2 }));
  },
  *'a task group'(s) {
    yield* s.wait(
      taskGroup(
        s.fn(function* (group: TaskGroup) {
          group.createTask(works(s, 1));
          group.createTask(works(s, 2));
        }),
      ),
    );
  },
  *'a task group that fails'(s) {
    yield* s.wait(
      taskGroup(
        s.fn(function* (group: TaskGroup) {
          group.createTask(works(s, 1, ERROR));
          group.createTask(forever(s));
          yield* s.wait(new Event().wait());
        }),
      ),
    );
  },
  *'a task group that cancels itself'(s) {
    yield* s.wait(
      taskGroup(
        s.fn(function* (group: TaskGroup) {
          group.createTask(forever(s));
          soon(s, () => group.cancel());
          yield* s.wait(new Event().wait());
        }),
      ),
    );
  },
  *'a task group in a task group that fails'(s) {
    yield* s.wait(
      taskGroup(
        s.fn(function* (outer: TaskGroup) {
          outer.createTask(works(s, 2, ERROR));
          yield* s.wait(
            taskGroup(
              s.fn(function* (inner: TaskGroup) {
                inner.createTask(forever(s));
              }),
            ),
          );
        }),
      ),
    );
  },
  *'timeout() in time'(s) {
    yield* s.wait(timeout(10, works(s, 2)));
  },
  *'timeout() around what fails'(s) {
    yield* s.wait(timeout(10, works(s, 2, ERROR)));
  },
  *'timeout() that is over'(s) {
    yield* s.wait(timeout(0, forever(s)));
  },
  *'timeout() in timeout()'(s) {
    yield* s.wait(
      timeout(
        0,
        s.fn(function* () {
          yield* s.wait(timeout(0, forever(s)));
        }),
      ),
    );
  },
  *'timeout() around a task group'(s) {
    yield* s.wait(
      timeout(
        0,
        s.fn(function* () {
          yield* s.wait(
            taskGroup(
              s.fn(function* (group: TaskGroup) {
                group.createTask(forever(s));
                group.createTask(works(s, 1, ERROR));
              }),
            ),
          );
        }),
      ),
    );
  },
  *'waitFor() in time'(s) {
    yield* s.wait(waitFor(works(s, 2), 10));
  },
  *'waitFor() that is over'(s) {
    yield* s.wait(waitFor(forever(s), 0));
  },
  *'waitFor() a task'(s) {
    yield* s.wait(waitFor(createTask(works(s, 2)), 10));
  },
  *'waitFor() a task that fails'(s) {
    yield* s.wait(waitFor(createTask(works(s, 2, ERROR)), 10));
  },
};

describe.each(Object.entries(constructs))('a task that is cancelled while it waits for %s', (_name, construct) => {
  exploredWithCancellation(
    'ends with that, though it goes on after any other error',
    { victims: 1, steps: 7, async: 10 },
    (s, { steps }) =>
      function* () {
        const owner = start(s, 'owner', function* () {
          try {
            yield* construct(s);
          } catch (error) {
            if (error instanceof CancelledError) throw error;
          }
          const task = currentTask()!;
          check(
            isAsked(task) || task.cancelling() === 0,
            `${task.cancelling()} requests are left that nobody has made`,
          );
          // Whatever has come meanwhile is told here at last.
          yield* s.wait(sleep(0));
        });
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        yield* s.wait(sleep(20)); // what goes on by itself has ended
      },
  );
});

/** Those that answer for what runs in them: nothing of it may run on when they have ended. */
const owning = Object.entries(constructs).filter(([name]) => {
  const owners = ['a task group', 'timeout()', 'waitFor() in time', 'waitFor() that is over', 'mapConcurrent()'];
  return owners.some((owner) => name.startsWith(owner));
});

describe.each(owning)('a task that is cancelled twice while it waits for %s', (_name, construct) => {
  exploredWithCancellation(
    'ends when all that runs in it has ended',
    { victims: 1, steps: 6, async: 10 },
    (s, { steps }) =>
      function* () {
        running = 0;
        mayTellTheLoop();
        const owner = start(s, 'owner', function* () {
          try {
            yield* construct(s);
          } finally {
            check(running === 0, `${running} still run`);
          }
        });
        const cancellers = [cancelAfter(s, owner, steps), cancelAfter(s, owner, steps + 1)];
        for (const task of [...cancellers, owner]) yield* s.wait(wait([task]));
        if (!owner.cancelled() && owner.exception() !== null && owner.exception() !== ERROR) {
          const error = owner.exception() as Error;
          check(['TimeoutError', 'ExceptionGroup'].includes(error.name), String(error));
        }
      },
  );
});
