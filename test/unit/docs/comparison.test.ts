import { mapConcurrent as concurrently, Event, run, taskGroup } from 'asyncio-ts';
import { Effect, Exit } from 'effect';
import { all, run as runEffection, suspend, until } from 'effection';
import pLimit from 'p-limit';
import PQueue from 'p-queue';
import { finalize, firstValueFrom, from, mergeMap, NEVER, Subject, throwError, timeout } from 'rxjs';
import { describe, expect, test } from 'vitest';

/** The statements of docs/comparison.md, each with the library that it is about. */

const failure = new Error('one has failed');

describe('after a failure', () => {
  test.each([
    [
      'taskGroup',
      (stopped: () => void) =>
        taskGroup(async (group) => {
          group.createTask(() => waiting(stopped));
          group.createTask(failing);
        }),
    ],
    [
      'mapConcurrent',
      (stopped: () => void) => concurrently([() => waiting(stopped), failing], (work) => work(), { limit: 2 }),
    ],
  ])('%s of this library has stopped the others and let them wait in their clean-up', async (_name, work) => {
    let hasStopped = false;
    const ended = run(async () => {
      await work(() => {
        hasStopped = true;
      });
    });
    await expect(ended).rejects.toThrow();
    expect(hasStopped).toBe(true);
  });

  test('Effect has interrupted the others', async () => {
    let hasStopped = false;
    const other = Effect.never.pipe(
      Effect.onInterrupt(() => Effect.yieldNow.pipe(Effect.andThen(Effect.sync(() => (hasStopped = true))))),
    );
    const all = Effect.forEach([other, Effect.fail(failure)], (effect) => effect, { concurrency: 2 });
    const exit = await Effect.runPromiseExit(all);
    expect(Exit.isFailure(exit)).toBe(true);
    expect(hasStopped).toBe(true);
  });

  test('effection has halted the others', async () => {
    let hasStopped = false;
    function* other() {
      try {
        yield* suspend();
      } finally {
        yield* until(Promise.resolve());
        hasStopped = true;
      }
    }
    function* fails(): Generator<never, void> {
      throw failure;
    }
    await expect(runEffection(() => all([other(), fails()]))).rejects.toThrow('one has failed');
    expect(hasStopped).toBe(true);
  });

  test('RxJS has unsubscribed from the others', async () => {
    let hasStopped = false;
    const other = NEVER.pipe(finalize(() => (hasStopped = true)));
    const merged = from([other, throwError(() => failure)]).pipe(mergeMap((source) => source, 2));
    await expect(firstValueFrom(merged)).rejects.toBe(failure);
    expect(hasStopped).toBe(true);
  });

  test.each([
    ['p-limit', (jobs: readonly Job[]) => Promise.all(jobs.map(pLimit(2)))],
    ['p-queue', (jobs: readonly Job[]) => new PQueue({ concurrency: 2 }).addAll(jobs)],
  ])('%s lets the others go on', async (_name, start) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let wentOn = false;
    const other = async () => {
      await promise;
      wentOn = true;
    };
    await expect(start([async () => Promise.reject(failure), other])).rejects.toBe(failure);
    expect(wentOn).toBe(false);
    resolve();
    await promise;
    expect(wentOn).toBe(true);
  });
});

describe('a timeout', () => {
  test('of p-queue ends the wait and not the work', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let wentOn = false;
    const job = async () => {
      await promise;
      wentOn = true;
    };
    await expect(new PQueue().add(job, { timeout: 1 })).rejects.toThrow('timed out');
    resolve();
    await promise;
    expect(wentOn).toBe(true);
  });

  test('of RxJS unsubscribes', async () => {
    let hasStopped = false;
    const slow = new Subject<string>().pipe(finalize(() => (hasStopped = true)));
    await expect(firstValueFrom(slow.pipe(timeout(1)))).rejects.toThrow('Timeout');
    expect(hasStopped).toBe(true);
  });
});

type Job = () => Promise<void>;

async function waiting(stopped: () => void): Promise<void> {
  const never = new Event();
  const moment = new Event();
  try {
    await never.wait();
  } finally {
    moment.set();
    await moment.wait();
    stopped();
  }
}

async function failing(): Promise<void> {
  throw failure;
}
