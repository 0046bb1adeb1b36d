import { createTask, Event, gather, Lock, run, sleep } from 'asyncio-ts';
import { startFlightRecorder, type TraceEvent } from 'asyncio-ts/inspect';
import { describe, expect, it } from 'vitest';
import { collectGarbage } from '../../../support/gc.ts';
import { describeBoth, runVirtually } from '../../../support/spellings.ts';
import { storyOf } from './story.ts';

describeBoth('a flight recorder', (s) => {
  it('remembers who started, who woke whom from what, and how tasks ended', async () => {
    const recorder = startFlightRecorder();
    const waits = s.fn(function* (lock: Lock) {
      yield* s.wait(lock.acquire());
      lock.release();
    });
    const main = s.fn(function* () {
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      const second = createTask(() => waits(lock) as never, { name: 'second' });
      yield* s.wait(sleep(1));
      lock.release();
      yield* s.wait(gather(second));
    });
    await runVirtually(async () => await createTask(main as () => Promise<void>, { name: 'main' }));
    recorder.stop();
    const story = storyOf(recorder.dump().traceEvents);
    expect(story).toContain('main spawns second');
    expect(story).toContain('second has waited: acquire Lock');
    expect(story).toContain('main wakes second');
    expect(story).toContain('second wakes main');
    expect(story).toContain('second: done');
  });

  it('shows what the tasks wait for that are not done', async () => {
    const recorder = startFlightRecorder();
    const waits = s.fn(function* () {
      yield* s.wait(new Event().wait());
    });
    let events: readonly TraceEvent[] = [];
    const main = s.fn(function* () {
      const task = createTask(waits, { name: 'stuck' });
      yield* s.wait(sleep(1));
      events = recorder.dump('why does it hang').traceEvents;
      expect(recorder.pending()).toBe(2);
      task.cancel();
      yield* s.wait(gather([task], { returnExceptions: true }));
    });
    await runVirtually(main);
    recorder.stop();
    const open = events.filter(({ ph }) => ph === 'B');
    expect(open.map(({ name }) => name)).toEqual(['wait Event']);
    expect(storyOf(events)).toContain('stuck waits: wait Event');
  });
});

describe('a flight recorder', () => {
  it('keeps the last events, says how many it has not kept, and gives them in order', async () => {
    const recorder = startFlightRecorder({ events: 10 });
    await runVirtually(async () => {
      for (let i = 0; i < 100; i++) await createTask(async () => await sleep(1), { name: `task ${i}` });
    });
    recorder.stop();
    const { otherData, traceEvents } = recorder.dump('test');
    expect(otherData).toMatchObject({ format: 'asyncio-ts trace', version: 1, reason: 'test' });
    expect(otherData.dropped).toBeGreaterThan(300);
    const names = traceEvents.filter(({ name }) => name === 'thread_name').map(({ args }) => args!['name']);
    expect(names).toContain('task 99');
    expect(names).not.toContain('task 90');
    const times = traceEvents.filter(({ ph }) => ph === 'i').map(({ ts }) => ts);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('counts the tasks that are alive from the first event on that it has kept', async () => {
    const recorder = startFlightRecorder({ events: 4 });
    let counts: unknown[] = [];
    await runVirtually(async () => {
      const naps = [1, 2, 3].map((seconds) => createTask(async () => await sleep(seconds)));
      await sleep(2.5);
      counts = recorder
        .dump()
        .traceEvents.filter(({ name }) => name === 'tasks')
        .map(({ args }) => args!['tasks']);
      for (const nap of naps) await nap;
    });
    recorder.stop();
    expect(counts.at(-1)).toBe(2);
    expect(counts.every((count) => Number(count) >= 2 && Number(count) <= 4)).toBe(true);
  });

  it('does not keep tasks alive, nor what they return', async () => {
    const recorder = startFlightRecorder();
    let result: WeakRef<object> | null = null;
    await run(async () => {
      await createTask(async () => {
        const value = { big: true };
        result = new WeakRef(value);
        await sleep(0);
        return value;
      });
    });
    await collectGarbage();
    expect(result!.deref()).toBe(undefined);
    expect(recorder.dump().traceEvents.length).toBeGreaterThan(0);
    recorder.stop();
  });

  it('records the end of a task by an error, and errors that are reported', async () => {
    const recorder = startFlightRecorder();
    await runVirtually(async () => {
      const loop = createTask(async () => await sleep(0)).getLoop();
      loop.setExceptionHandler(() => {});
      loop.callSoon(() => {
        throw new Error('in a callback');
      });
      const failing = createTask(
        async () => {
          throw new TypeError('wrong');
        },
        { name: 'failing' },
      );
      await failing.catch(() => {});
      await sleep(1);
    });
    recorder.stop();
    const { traceEvents } = recorder.dump();
    expect(storyOf(traceEvents)).toContain('failing: failed: TypeError: wrong');
    expect(traceEvents.find(({ cat }) => cat === 'error')!.name).toContain('in a callback');
  });

  it('is empty where nothing has happened', () => {
    const recorder = startFlightRecorder();
    recorder.stop();
    expect(recorder.dump().traceEvents).toEqual([]);
  });

  it.each([
    [{ events: 0 }, 'events must be a whole number from 1 to 10000000, got 0'],
    [{ events: 1e9 }, 'got 1000000000'],
    [{ events: '10' as never }, 'events must be a number'],
    [{ event: 10 } as never, "there is no option 'event'; write { events: … }"],
  ])('refuses %j with what is right', (options, message) => {
    expect(() => startFlightRecorder(options)).toThrow(message);
  });
});
