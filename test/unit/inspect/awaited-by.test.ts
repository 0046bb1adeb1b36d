import { createTask, currentTask, Future, sleep, type Task } from 'asyncio-ts';
import {
  captureCallGraph,
  formatCallGraph,
  futureAddToAwaitedBy,
  futureDiscardFromAwaitedBy,
} from 'asyncio-ts/inspect';
import { describe, expect, test } from 'vitest';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

const awaitersOf = (task: Task<void>): string[] => captureCallGraph(task)!.awaitedBy.map(({ name }) => name);

describeBoth('futureAddToAwaitedBy', (s) => {
  /** A group as a program writes it: it waits for a future, and never awaits its tasks. */
  const inGroup = (look: (task: Task<void>, owner: Task) => void) => {
    const main = s.fn(function* () {
      const owner = currentTask()!;
      const allDone = new Future<void>();
      const work = s.fn(function* () {
        yield* s.wait(sleep(1));
      });
      const task = createTask(work, { name: 'work' });
      task.addDoneCallback(() => allDone.setResult());
      look(task, owner);
      yield* s.wait(allDone);
      yield* s.wait(sleep(0));
      return awaitersOf(task);
    });
    return runVirtually(
      s.fn(function* () {
        return yield* s.wait(createTask(main, { name: 'owner' }));
      }),
    );
  };

  test('makes call graphs show the owner of a group that waits by callbacks, until the task is done', async () => {
    let before: string[] = [];
    let text = '';
    let shown = '';
    let noted: string[] = [];
    const { result, seconds } = await inGroup((task, owner) => {
      before = awaitersOf(task);
      futureAddToAwaitedBy(task, owner);
      futureAddToAwaitedBy(task, owner); // has no effect
      noted = awaitersOf(task);
      text = formatCallGraph(task);
      shown = String(task);
    });
    expect(before).toEqual([]);
    expect(noted).toEqual(['owner']);
    expect(text).toMatch(/work[\s\S]*Awaited by:[\s\S]*owner/);
    expect(shown).toContain('awaitedBy()');
    expect(result).toEqual([]);
    expect(seconds).toBe(1);
  });

  test('can be taken back; taking back what was not noted changes nothing', async () => {
    const seen: string[][] = [];
    await inGroup((task, owner) => {
      futureDiscardFromAwaitedBy(task, owner);
      futureAddToAwaitedBy(task, owner);
      futureDiscardFromAwaitedBy(task, owner);
      seen.push(awaitersOf(task));
      futureAddToAwaitedBy(task, owner);
      seen.push(awaitersOf(task));
    });
    expect(seen).toEqual([[], ['owner']]);
  });

  test('notes each of several awaiters, and each can be taken back alone', async () => {
    const seen: string[][] = [];
    await inGroup((task, owner) => {
      const other = createTask(sleep(0.5), { name: 'other' });
      futureAddToAwaitedBy(task, owner);
      futureAddToAwaitedBy(task, other);
      seen.push(awaitersOf(task).sort());
      futureDiscardFromAwaitedBy(task, owner);
      seen.push(awaitersOf(task));
    });
    expect(seen).toEqual([['other', 'owner'], ['other']]);
  });
});

describe('what is no future', () => {
  test.each([futureAddToAwaitedBy, futureDiscardFromAwaitedBy])('is refused by %o', (fn) => {
    expect(() => fn({} as never, {} as never)).toThrow(/two tasks or futures are required/);
  });
});
