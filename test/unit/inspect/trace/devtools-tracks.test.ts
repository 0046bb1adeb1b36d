import { createTask, sleep } from 'asyncio-ts';
import { startDevtoolsTracks } from 'asyncio-ts/inspect';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeBoth, runVirtually } from '../../../support/spellings.ts';

type Entry = [label: string, start: number, end: number, track: string, group: string, color: string];

let entries: Entry[] = [];
/** The console tasks whose `run` is on the stack, innermost last. */
let inside: string[] = [];

beforeEach(() => {
  entries = [];
  inside = [];
  vi.stubGlobal('console', {
    error() {},
    warn() {},
    timeStamp: (...entry: Entry) => entries.push(entry),
    createTask: (name: string) => ({
      run(step: () => void) {
        inside.push(name);
        step();
        inside.pop();
      },
    }),
  });
});
afterEach(() => vi.unstubAllGlobals());

describeBoth('the tracks of developer tools', (s) => {
  it('have a track for each task, with its steps and waits', async () => {
    const stop = startDevtoolsTracks({ group: 'shop' });
    const naps = s.fn(function* () {
      yield* s.wait(sleep(1));
    });
    await runVirtually(
      s.fn(function* () {
        yield* s.wait(createTask(naps, { name: 'nap' }));
      }),
    );
    stop();
    const ofNap = entries.filter(([, , , track]) => track === 'nap');
    expect(ofNap.map(([label]) => label)).toEqual(['nap', 'sleep', 'done', 'nap']);
    expect(new Set(entries.map(([, , , , group]) => group))).toEqual(new Set(['shop']));
    for (const [, start, end] of entries) expect(start).toBeLessThanOrEqual(end);
  });

  it('go by real time, also where the loop has another clock', async () => {
    const before = performance.now();
    const stop = startDevtoolsTracks();
    await runVirtually(
      s.fn(function* () {
        yield* s.wait(sleep(1_000_000));
      }),
    );
    stop();
    for (const [, start, end] of entries) {
      expect(start).toBeGreaterThanOrEqual(before - 1);
      expect(end).toBeLessThanOrEqual(performance.now() + 1);
    }
  });

  it('run the steps of a task inside of its console task', async () => {
    const stop = startDevtoolsTracks();
    const seen: string[][] = [];
    const body = s.fn(function* () {
      seen.push([...inside]);
      yield* s.wait(sleep(1));
      seen.push([...inside]);
    });
    await runVirtually(
      s.fn(function* () {
        yield* s.wait(createTask(body, { name: 'body' }));
      }),
    );
    stop();
    // An async function goes on by itself, and the engine knows its stack.
    expect(seen).toEqual(s.name === 'generator' ? [['body'], ['body']] : [['body'], []]);
  });
});

describe('the tracks of developer tools', () => {
  it('tell tasks of one name apart, and end when they are stopped', async () => {
    const stop = startDevtoolsTracks();
    await runVirtually(async () => {
      const twins = [1, 2].map((seconds) => createTask(async () => await sleep(seconds), { name: 'twin' }));
      for (const twin of twins) await twin;
    });
    stop();
    const tracks = new Set(entries.map(([, , , track]) => track).filter((track) => track.startsWith('twin')));
    expect(tracks.size).toBe(2);
    const count = entries.length;
    await runVirtually(async () => await sleep(1));
    expect(entries).toHaveLength(count);
  });

  it('do nothing where the console has nothing for it', async () => {
    vi.stubGlobal('console', { error() {}, warn() {} });
    const stop = startDevtoolsTracks();
    expect((await runVirtually(async () => await sleep(1, 5))).result).toBe(5);
    stop();
    expect(entries).toEqual([]);
  });
});
