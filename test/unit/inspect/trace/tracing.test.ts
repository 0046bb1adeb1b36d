import {
  CancelledError,
  createTask,
  Event,
  EventLoop,
  gather,
  Lock,
  logger,
  Queue,
  run,
  sleep,
  timeout,
} from 'asyncio-ts';
import { startTracing, type TraceEvent } from 'asyncio-ts/inspect';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, it, vi } from 'vitest';
import { describeBoth, runVirtually, type Spelling } from '../../../support/spellings.ts';
import { storyOf } from './story.ts';

async function traced(main: Parameters<typeof runVirtually>[0]): Promise<readonly TraceEvent[]> {
  const tracing = startTracing();
  try {
    await runVirtually(main).catch(() => {});
  } finally {
    tracing.stop();
  }
  return tracing.events;
}

/** A main that is called main, in either spelling. */
function called<T>(name: string, fn: T): T {
  return Object.defineProperty(fn as T & object, 'name', { value: name }) as T;
}

describeBoth('a trace', (s: Spelling) => {
  it('has steps, waits by name, and who starts and wakes whom', async () => {
    const main = called(
      'main',
      s.fn(function* () {
        const queue = new Queue<number>();
        const taker = createTask(
          s.fn(function* () {
            return yield* s.wait(queue.get());
          }),
          { name: 'taker' },
        );
        yield* s.wait(sleep(1));
        queue.putNowait(7);
        expect(yield* s.wait(taker)).toBe(7);
      }),
    );
    const events = await traced(main);
    expect(storyOf(events).map((line) => line.replace(/#\d+/, '#n'))).toEqual([
      'main#n runs',
      'main#n waits: sleep',
      'main#n spawns taker',
      'taker runs',
      'taker waits: get Queue',
      'main#n has waited: sleep',
      'main#n runs',
      'main#n waits: task taker',
      'taker has waited: get Queue',
      'main#n wakes taker',
      'taker: done',
      'taker runs',
      'main#n has waited: task taker',
      'taker wakes main#n',
      'main#n: done',
      'main#n runs',
    ]);
  });

  it('follows a wake-up through gather and through a lock', async () => {
    const holds = s.fn(function* (lock: Lock) {
      yield* s.wait(lock.acquire());
      yield* s.wait(sleep(1));
      lock.release();
    });
    const waits = s.fn(function* (lock: Lock) {
      yield* s.wait(sleep(0.5));
      yield* s.wait(lock.acquire());
      lock.release();
    });
    const main = s.fn(function* () {
      const lock = new Lock();
      const first = createTask(() => holds(lock) as never, { name: 'first' });
      const second = createTask(() => waits(lock) as never, { name: 'second' });
      yield* s.wait(gather(first, second));
    });
    const task = createTaskIn(main, 'main');
    const story = storyOf(await traced(task));
    expect(story).toContain('second waits: acquire Lock');
    expect(story).toContain('first wakes second');
    expect(story).toContain('second wakes main');
  });

  it('tells who cancelled, that it was delivered, and how tasks end', async () => {
    const waits = s.fn(function* () {
      yield* s.wait(new Event().wait());
    });
    const fails = s.fn(function* () {
      yield* s.wait(sleep(0));
      throw new TypeError('wrong');
    });
    const main = s.fn(function* () {
      const waiting = createTask(waits, { name: 'waiting' });
      const failing = createTask(fails, { name: 'failing' });
      yield* s.wait(sleep(0));
      waiting.cancel();
      for (const task of [waiting, failing]) {
        try {
          yield* s.wait(task);
        } catch (error) {
          expect(error instanceof CancelledError || error instanceof TypeError).toBe(true);
        }
      }
    });
    const story = storyOf(await traced(createTaskIn(main, 'main')));
    expect(story.filter((line) => /cancel|failed/.test(line))).toEqual([
      'failing: failed: TypeError: wrong',
      'waiting: cancellation delivered',
      'main cancels waiting',
      'waiting: cancelled',
      // What it awaits was cancelled, so that it gets the error as well.
      'main: cancellation delivered',
    ]);
  });

  it('gives each event a later time than the one before, also while the clock stands still', async () => {
    const main = s.fn(function* () {
      for (let i = 0; i < 5; i++) yield* s.wait(sleep(0));
      yield* s.wait(sleep(2));
    });
    const events = await traced(main);
    const times = events.filter(({ ph }) => ph === 'B' || ph === 'E').map(({ ts }) => ts);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const sleeps = events.filter(({ name }) => name === 'sleep');
    expect(times.at(-1)! - sleeps[0]!.ts).toBeCloseTo(2_000_000, -2);
    const steps = events.filter(({ ph, cat }) => ph === 'X' && cat === 'step');
    expect(new Set(steps.map(({ ts }) => ts)).size).toBe(steps.length);
  });

  it('counts the tasks that are alive', async () => {
    const main = s.fn(function* () {
      const naps = [1, 2, 3].map((seconds) => createTask(() => sleep(seconds) as never));
      for (const nap of naps) yield* s.wait(nap);
    });
    const counts = (await traced(main)).filter(({ ph, name }) => ph === 'C' && name === 'tasks');
    expect(counts.slice(0, 5).map(({ args }) => args!['tasks'])).toEqual([1, 4, 3, 2, 1]);
  });

  it('says where tasks are made and where they wait, when it is asked to', async () => {
    const tracing = startTracing({ places: true });
    const waits = s.fn(function* () {
      yield* s.wait(sleep(1));
    });
    await runVirtually(
      s.fn(function* () {
        yield* s.wait(createTask(waits, { name: 'waits' }));
      }),
    );
    tracing.stop();
    const made = tracing.events.find(({ args }) => args?.['name'] === 'waits');
    expect(made!.args!['spawned']).toMatch(/tracing\.test\.ts:\d+:\d+$/);
    const wait = tracing.events.find(({ name }) => name === 'sleep');
    expect(wait!.args!['place']).toMatch(/\.ts:\d+:\d+$/);
  });
});

/** A main that makes one task with a name, and awaits it. */
function createTaskIn(main: () => unknown, name: string): () => Promise<void> {
  return async () => void (await createTask(main as () => Promise<void>, { name }));
}

describe('a trace', () => {
  it('has a row for each branch that waits beside others', async () => {
    const events = await traced(createTaskIn(async () => await Promise.all([sleep(2), sleep(1), sleep(3)]), 'three'));
    const waits = events.filter(({ ph, name }) => ph === 'B' && name === 'sleep');
    expect(new Set(waits.map(({ tid }) => tid)).size).toBe(3);
    const branches = events.filter(({ args }) => args?.['branch_of'] !== undefined);
    expect(branches.map(({ args }) => args!['branch_of'])).toEqual([waits[0]!.tid, waits[0]!.tid]);
    // No two slices of a row overlap: every wait ends before the next one on its row begins.
    const open = new Set<number>();
    for (const { ph, tid } of events) {
      if (ph === 'B') expect(open.has(tid)).toBe(false);
      if (ph === 'B') open.add(tid);
      if (ph === 'E') open.delete(tid);
    }
  });

  it('begins with the tasks that are there, and ends with the step that runs', async () => {
    const host = new VirtualHost();
    let events: readonly TraceEvent[] = [];
    await run(
      async function main() {
        const nap = createTask(() => sleep(5), { name: 'nap' });
        await sleep(1);
        const tracing = startTracing();
        await nap;
        tracing.stop();
        events = tracing.events;
      },
      { loopFactory: () => new EventLoop({ host }) },
    );
    const story = storyOf(events).map((line) => line.replace(/#\d+/, '#n'));
    expect(story).toContain('nap waits: sleep');
    expect(story.at(-1)).toBe('main#n runs');
  });

  it('hands events over in parts that are the whole together, and does not keep them then', async () => {
    const parts: TraceEvent[][] = [];
    const tracing = startTracing({ onEvents: (events) => parts.push([...events]) });
    const kept = startTracing();
    await runVirtually(async () => await sleep(1));
    tracing.stop();
    kept.stop();
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.flat()).toEqual(kept.events);
    expect(tracing.events).toEqual([]);
  });

  it('ends, and is reported, when its listener throws; the program goes on', async () => {
    const error = vi.spyOn(logger, 'error').mockImplementation(() => {});
    let calls = 0;
    const tracing = startTracing({
      onEvents() {
        calls++;
        throw new Error('disk full');
      },
    });
    expect((await runVirtually(async () => await sleep(1, 'went on'))).result).toBe('went on');
    expect(calls).toBe(1);
    expect(error.mock.calls).toHaveLength(1);
    expect(error.mock.calls[0]![0]).toContain('An instrument was removed because its iterationEnd() threw');
    error.mockRestore();
    expect(() => tracing.stop()).not.toThrow();
    expect(calls).toBe(1);
  });

  it('keeps names of any kind: control characters, 10 kB, right to left', async () => {
    const names = ['</script><script>alert(1)</script>', '\u001b[31mred\u0000\n', '\u202egnp.exe', 'x'.repeat(10_000)];
    const events = await traced(async () => {
      for (const name of names) await createTask(async () => await sleep(0), { name });
    });
    const parsed: TraceEvent[] = JSON.parse(JSON.stringify(events));
    const found = parsed.filter(({ name }) => name === 'thread_name').map(({ args }) => String(args!['name']));
    expect(found).toEqual(expect.arrayContaining(names.slice(0, 3)));
    expect(Math.max(...found.map((name) => name.length))).toBeLessThan(300);
  });

  it('stops once, and what was recorded stays', async () => {
    const tracing = startTracing();
    await runVirtually(async () => await sleep(1));
    tracing.stop();
    const count = tracing.events.length;
    tracing.stop();
    await runVirtually(async () => await sleep(1));
    expect(tracing.events).toHaveLength(count);
    const { otherData, traceEvents } = tracing.toJSON();
    expect(otherData).toEqual({ format: 'asyncio-ts trace', version: 1 });
    expect(traceEvents).toBe(tracing.events);
  });

  it('refuses unknown options with the right ones', () => {
    expect(() => startTracing({ place: true } as never)).toThrow(/there is no option 'place'; write { places: … }/);
  });

  it('shows a deadline as a cancellation that was delivered', async () => {
    const story = storyOf(
      await traced(createTaskIn(async () => await timeout(1, async () => await sleep(9)).catch(() => {}), 'slow')),
    );
    expect(story).toContain('slow: cancellation delivered');
  });
});
