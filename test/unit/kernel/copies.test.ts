import type { Registry } from 'asyncio-ts';
import * as ours from 'asyncio-ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

/** The library as it is when a program has loaded it twice. */
let theirs: typeof ours;

beforeAll(async () => {
  vi.resetModules();
  theirs = await import('asyncio-ts');
});
afterAll(() => theirs.setEventLoop(null));

const registry = (): Registry => (globalThis as unknown as Record<symbol, Registry>)[Symbol.for('asyncio-ts')]!;
/** What the message says when the loop is of the other copy: that there are two, and where both come from. */
const TOLD =
  /\. Two copies of asyncio-ts are loaded: this one from \S+copies\.ts\S*:\d+, and .* from \S+copies\.ts\S*:\d+/;

describe('a second copy of the library in a thread', () => {
  it('is another one', () => {
    expect(theirs.EventLoop).not.toBe(ours.EventLoop);
  });

  it('makes tasks that can be awaited as promises', async () => {
    expect(await ours.run(async () => await theirs.createTask(async () => 'theirs'))).toBe('theirs');
    expect(await ours.run(async () => await ours.wrapPromise(theirs.createTask(async () => 'theirs')))).toBe('theirs');
  });

  it('makes coroutines that a task of the first copy runs as promises', async () => {
    const answer = theirs.coroutine(async (value: number) => value + 1);
    expect(ours.iscoroutine(answer(1) as unknown)).toBe(false);
    expect(await ours.run(async () => await ours.createTask(answer(1)))).toBe(2);
    expect(await ours.run(async () => (await ours.gather(answer(1), answer(2))) as unknown)).toEqual([2, 3]);
  });

  it('cancels what the first copy awaits as a cancellation', async () => {
    await ours.run(async () => {
      const theirTask = theirs.createTask(async () => await theirs.getRunningLoop().createFuture());
      const task = ours.createTask(async () => await theirTask);
      await ours.sleep(0);
      theirTask.cancel();
      await Promise.allSettled([task]);
      expect(task.cancelled()).toBe(true);
    });
  });

  it('is named, with the place of both, when a generator of it asks for the running loop of the first one', async () => {
    const main = ours.run(function* () {
      yield* theirs.sleep(1) as Iterable<unknown>;
    });
    await expect(main).rejects.toThrow(TOLD);
    await expect(main).rejects.toMatchObject({ code: 'NO_RUNNING_LOOP' });
  });

  it('is named when a task of the first one waits for its futures', async () => {
    const waits = async (wait: (task: ours.Task<number>) => unknown): Promise<unknown> =>
      await ours
        .run(async () => await (wait(theirs.createTask(async () => 1) as never) as PromiseLike<unknown>))
        .catch((error: unknown) => error);
    for (const wait of [
      (task: ours.Task<number>) => ours.gather(task),
      (task: ours.Task<number>) => ours.waitFor(task, 1),
      (task: ours.Task<number>) => ours.asCompleted([task])[Symbol.asyncIterator]().next(),
    ]) {
      expect(await waits(wait)).toMatchObject({ code: 'DIFFERENT_LOOP', message: expect.stringMatching(TOLD) });
    }
  });

  it('is not named when the loops are of one copy', async () => {
    expect(() => ours.getRunningLoop()).toThrow(/^no running event loop: (?!.*Two copies)/);
    expect(() => theirs.getRunningLoop()).toThrow(/^no running event loop: (?!.*Two copies)/);
    const loop = ours.newEventLoop();
    const other = ours.newEventLoop();
    const future = other.createFuture();
    const waiting = loop.createTask(async () => await ours.gather(future));
    await expect(loop.runUntilComplete(waiting)).rejects.toThrow(/different loop(?!.*Two copies)/);
    future.cancel();
    loop.close();
    other.close();
  });

  it('knows the errors that end a task or the loop, though they are of the classes of the first one', () => {
    for (const [mine, its] of [
      [new ours.CancelledError(), theirs.CancelledError],
      [new ours.KeyboardInterrupt(), theirs.KeyboardInterrupt],
      [new ours.SystemExit(3), theirs.SystemExit],
    ] as const) {
      expect(mine instanceof its).toBe(true);
      expect(() => theirs.rethrowIfCancelled(mine)).toThrow(mine);
    }
    expect(new ours.CancelledError() instanceof theirs.SystemExit).toBe(false);
    expect(new ours.RuntimeError('x') instanceof theirs.CancelledError).toBe(false);
    class Special extends theirs.CancelledError {}
    expect(new theirs.CancelledError() instanceof Special).toBe(false);
    expect(new ours.CancelledError() instanceof Special).toBe(false);
    expect(new Special() instanceof ours.CancelledError).toBe(true);
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('a trap');
      },
    });
    expect((hostile as unknown) instanceof ours.CancelledError).toBe(false);
  });

  it('shows its loops and tasks in the registry of the thread beside those of the first one', async () => {
    const [mine, its] = [ours.newEventLoop(), theirs.newEventLoop()];
    mine.createTask(async () => {}, { name: 'mine' });
    its.createTask(async () => {}, { name: 'its' });
    expect(registry().copies.length).toBe(2);
    expect(registry().loops()).toEqual(expect.arrayContaining([mine, its]));
    const names = registry()
      .tasks(0, 1_000)
      .map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['mine', 'its']));
    expect(registry().tasks(names.indexOf('its'), 1)).toMatchObject([{ name: 'its', state: 'scheduled' }]);
    await mine.runUntilComplete(mine.createTask(async () => {}));
    await its.runUntilComplete(its.createTask(async () => {}));
    mine.close();
    its.close();
  });
});
