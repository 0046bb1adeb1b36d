import {
  allTasks,
  currentTask,
  EventLoop,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  setEventLoop,
  sleep,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { manualLoop, virtualLoop } from '../../support/loops.ts';
import { thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

const threadLoop = getEventLoop();
afterEach(() => setEventLoop(threadLoop));

describe('getEventLoop', () => {
  test('gives one loop in the main thread, which it makes', () => {
    expect(getEventLoop()).toBe(threadLoop);
    expect(threadLoop).toBeInstanceOf(EventLoop);
  });

  test('gives a loop that turns whenever it has work', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    getEventLoop().callSoon(resolve, 'called');
    expect(await promise).toBe('called');
    expect(getEventLoop().isRunning()).toBe(false);
  });

  test('gives what setEventLoop has set', () => {
    const { loop } = manualLoop();
    setEventLoop(loop);
    expect(getEventLoop()).toBe(loop);
  });

  test('throws after setEventLoop(null), and says how to get one', () => {
    setEventLoop(null);
    expect(thrownBy(getEventLoop)).toMatchObject({
      name: 'RuntimeError',
      code: 'NO_LOOP',
      message: expect.stringMatching(/^There is no current event loop in .*setEventLoop\(newEventLoop\(\)\)/),
    });
  });
});

describe('setEventLoop', () => {
  test.each([1, 'loop', {}])('refuses %o', (value) => {
    expect(() => setEventLoop(value as never)).toThrow(TypeError);
  });
});

describe('newEventLoop', () => {
  test("returns a new loop each time, which is not the thread's loop", () => {
    const loops = [newEventLoop(), newEventLoop({ host: new VirtualHost(7) })];
    expect(loops[0]).not.toBe(loops[1]);
    expect(loops).not.toContain(getEventLoop());
    expect(loops[1]?.time()).toBe(7);
  });

  test('gives a loop that turns only while it is run', async () => {
    const trace: string[] = [];
    const loop = newEventLoop();
    loop.callSoon(() => trace.push('called'));
    await new Promise(setImmediate);
    expect(trace).toEqual([]);
    loop.stop();
    await loop.runForever();
    expect(trace).toEqual(['called']);
  });
});

describeBoth('the running loop', (s) => {
  test('is the one that runs the caller: in tasks, before and after a wait, and in callbacks', async () => {
    const { loop, drain } = manualLoop();
    const seen: unknown[] = [];
    const look = () => seen.push(getRunningLoop() === loop, getEventLoop() === loop);
    const main = s.fn(function* () {
      look();
      yield* s.wait(sleep(0));
      look();
      loop.callSoon(look);
    });
    loop.createTask(main);
    await drain();
    expect(seen).toEqual([true, true, true, true, true, true]);
  });

  test('is null outside', () => {
    expect(thrownBy(getRunningLoop)).toMatchObject({ name: 'RuntimeError', code: 'NO_RUNNING_LOOP' });
    expect(currentTask()).toBe(null);
  });
});

describeBoth('allTasks', (s) => {
  test('gives the tasks of a loop that are not done, in order of creation', async () => {
    const { loop } = virtualLoop();
    const nap = s.fn(function* (seconds: number) {
      yield* s.wait(sleep(seconds));
    });
    const seen: string[][] = [];
    const look = () => seen.push(Array.from(allTasks(), (task) => task.getName()));
    const main = s.fn(function* () {
      for (const seconds of [1, 3, 2]) loop.createTask(() => nap(seconds), { name: `nap ${seconds}` });
      look();
      yield* s.wait(sleep(1.5));
      look();
      yield* s.wait(sleep(1));
      look();
    });
    await loop.runUntilComplete(loop.createTask(main, { name: 'main' }));
    expect(seen).toEqual([
      ['main', 'nap 1', 'nap 3', 'nap 2'],
      ['main', 'nap 3', 'nap 2'],
      ['main', 'nap 3'],
    ]);
    await loop.runUntilComplete(sleep(1));
    expect(allTasks(loop).size).toBe(0);
  });

  test('can be asked for one loop', () => {
    const { loop } = manualLoop();
    const task = loop.createTask(s.fn(function* () {}));
    expect(allTasks(loop).has(task)).toBe(true);
    expect(allTasks(manualLoop().loop).size).toBe(0);
  });
});
