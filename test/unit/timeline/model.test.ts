import { createTask, gather, Lock, sleep } from 'asyncio-ts';
import { startTracing, type TraceEvent } from 'asyncio-ts/inspect';
import { describe, expect, it } from 'vitest';
import { criticalPath, spanOf } from '../../../src/timeline/critical-path.ts';
import { arrowFactsOf, factsOf, sentenceOf } from '../../../src/timeline/describe-slice.ts';
import { type SliceRef, TimelineModel } from '../../../src/timeline/model.ts';
import { Search } from '../../../src/timeline/search.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

function modelOf(events: readonly TraceEvent[]): TimelineModel {
  const model = new TimelineModel();
  model.append(events);
  return model;
}

const track = (model: TimelineModel, name: string) => {
  const found = model.tracks.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no row is called ${name}: ${model.tracks.map((one) => one.name)}`);
  return found;
};

const base = { pid: 1, tid: 1 };

describeBoth('the model of a timeline', (s) => {
  async function trace(): Promise<readonly TraceEvent[]> {
    const tracing = startTracing();
    const uses = s.fn(function* (lock: Lock, seconds: number) {
      yield* s.wait(lock.acquire());
      yield* s.wait(sleep(seconds));
      lock.release();
    });
    const main = s.fn(function* () {
      const lock = new Lock();
      const first = createTask(() => uses(lock, 1) as never, { name: 'first' });
      const second = createTask(() => uses(lock, 2) as never, { name: 'second' });
      const idle = createTask(() => sleep(0.5) as never, { name: 'idle' });
      yield* s.wait(gather(first, second, idle));
    });
    await runVirtually(async () => await createTask(main as () => Promise<void>, { name: 'main' }));
    tracing.stop();
    return tracing.events;
  }

  it('has the tasks as rows, in the order in which they were made, with their steps and waits', async () => {
    const model = modelOf(await trace());
    const names = model.tracks.map(({ name }) => name).filter((name) => /^[a-z]+$/.test(name));
    expect(names).toEqual(['main', 'first', 'second', 'idle']);
    const { steps, waits } = track(model, 'second');
    expect(waits.events.map(({ name }) => name)).toEqual(['acquire Lock', 'sleep']);
    expect(steps.length).toBe(3);
    expect(waits.ends[1]! - waits.begins[1]!).toBeCloseTo(2e6, -3);
  });

  it('follows the critical path through the lock and not through what ran beside it', async () => {
    const model = modelOf(await trace());
    const path = criticalPath(model);
    const waits = path.filter(({ kind }) => kind === 'wait').map((part) => `${part.track.name} ${nameOf(part)}`);
    expect(waits).toEqual(expect.arrayContaining(['first sleep', 'second sleep']));
    expect(path.some((part) => part.track.name === 'idle')).toBe(false);
    const span = path.at(-1)!.end - path[0]!.begin;
    expect(span).toBeCloseTo(3e6, -4);
    for (const [at, part] of path.entries()) {
      if (at > 0) expect(part.begin).toBeGreaterThanOrEqual(path[at - 1]!.begin);
      expect(part.end).toBeGreaterThanOrEqual(part.begin);
    }
  });

  it('follows the path of a slice that is given', async () => {
    const model = modelOf(await trace());
    const path = criticalPath(model, { track: track(model, 'second'), kind: 'wait', index: 0 });
    expect(path.some((part) => part.track.name === 'first')).toBe(true);
    expect(path.at(-1)!.track.name).toBe('second');
  });

  it('tells the facts of a slice, and its arrows in words', async () => {
    const model = modelOf(await trace());
    const slice: SliceRef = { track: track(model, 'second'), kind: 'step', index: 1 };
    expect(Object.fromEntries(arrowFactsOf(model, slice))).toMatchObject({
      'woken by': expect.stringContaining('first'),
    });
    const wait: SliceRef = { track: track(model, 'second'), kind: 'wait', index: 0 };
    expect(Object.fromEntries(factsOf(model, wait))).toMatchObject({ task: 'second', lasts: '1 s' });
    expect(sentenceOf(model, wait)).toMatch(/^wait acquire Lock: task second, begins .*, lasts 1 s/);
  });

  it('is the same when it grows event by event', async () => {
    const events = await trace();
    const whole = modelOf(events);
    const grown = new TimelineModel();
    for (const event of events) {
      grown.append([event]);
      expect(grown.tracks.length).toBeGreaterThanOrEqual(0);
    }
    const shape = (model: TimelineModel) =>
      model.tracks.map(({ name, steps, waits, marks }) => [name, steps.begins, waits.ends, marks.length]);
    expect(shape(grown)).toEqual(shape(whole));
    expect(criticalPath(grown).length).toBe(criticalPath(whole).length);
  });
});

describe('the critical path', () => {
  const pathOf = async (main: () => Promise<unknown>) => {
    const tracing = startTracing();
    await runVirtually(async () => await createTask(main, { name: 'main' }));
    tracing.stop();
    const path = criticalPath(modelOf(tracing.events));
    // One path: no part begins before the one before it has ended.
    for (const [at, part] of path.entries()) if (at > 0) expect(part.begin).toBeGreaterThanOrEqual(path[at - 1]!.end);
    return path;
  };
  const waitsOf = (path: Awaited<ReturnType<typeof pathOf>>) =>
    path
      .filter(({ kind }) => kind === 'wait')
      .map((part) => `${part.track.name}: ${nameOf(part)} ${Math.round((part.end - part.begin) / 1e5) / 10}`);
  const naps = async (count: number, seconds: number) => {
    for (let i = 0; i < count; i++) await sleep(seconds);
  };

  it('leads through the branch that ended last, and not through those that waited beside it', async () => {
    const path = await pathOf(async () => await Promise.all([naps(1, 1), naps(3, 0.3), naps(9, 0.1)]));
    expect(waitsOf(path)).toEqual(['main: sleep 1']);
  });

  it('changes to another branch at each join, to the one that ended last there', async () => {
    const path = await pathOf(async () => {
      await Promise.all([naps(1, 2), naps(3, 0.5)]);
      await sleep(1);
      await Promise.all([naps(2, 0.1), naps(4, 0.5)]);
    });
    const waits = waitsOf(path);
    expect(waits.map((wait) => wait.replace(/^.*: /, ''))).toEqual([
      'sleep 2',
      'sleep 1',
      'sleep 0.5',
      'sleep 0.5',
      'sleep 0.5',
      'sleep 0.5',
    ]);
    expect(spanOf(path)).toBeCloseTo(5e6, -4);
  });

  it('leads through the task of a gather() that ended last', async () => {
    const path = await pathOf(
      async () =>
        await gather(
          createTask(async () => await naps(3, 0.3), { name: 'short' }),
          createTask(async () => await naps(2, 0.5), { name: 'long' }),
        ),
    );
    expect(waitsOf(path)).toEqual(['long: sleep 0.5', 'long: sleep 0.5']);
  });
});

const nameOf = ({ track: of, kind, index }: SliceRef): string =>
  (kind === 'step' ? of.steps : of.waits).events[index]!.name;

describe('the model of a timeline', () => {
  it('shows a wait that has not ended up to the end', () => {
    const model = modelOf([
      { ...base, ph: 'B', name: 'get Queue', cat: 'wait', ts: 10 },
      { ...base, ph: 'X', name: 'f', cat: 'step', tid: 2, ts: 50, dur: 10 },
    ]);
    const slice: SliceRef = { track: model.tracks[0]!, kind: 'wait', index: 0 };
    expect(model.endOf(slice)).toBe(60);
    expect(Object.fromEntries(factsOf(model, slice))['lasts']).toBe('50 µs so far');
  });

  it('leaves out what is no event, and ends of what has no beginning', () => {
    const odd = [
      null,
      3,
      {},
      { ph: 'X' },
      { ph: 'X', ts: Number.NaN, pid: 1, tid: 1 },
      { ph: 'X', ts: 1, pid: 'a', tid: 1 },
    ];
    const model = modelOf([
      ...(odd as TraceEvent[]),
      { ...base, ph: 'E', name: '', cat: 'wait', ts: 3 },
      { ...base, ph: 'f', name: 'wake', cat: 'wake', id: 9, ts: 4 },
    ]);
    expect(model.size).toBe(2);
    expect(model.tracks).toEqual([]);
    expect(criticalPath(model)).toEqual([]);
  });

  it('ends a path also where a trace leads in a circle', () => {
    const arrow = (id: number, from: number, at: number, to: number, end: number): TraceEvent[] => [
      { pid: 1, tid: from, ph: 's', name: 'wake', cat: 'wake', id, ts: at },
      { pid: 1, tid: to, ph: 'f', name: 'wake', cat: 'wake', id, ts: end },
    ];
    const model = modelOf([
      { ...base, ph: 'X', name: 'a', cat: 'step', ts: 0, dur: 100 },
      { ...base, ph: 'X', name: 'b', cat: 'step', tid: 2, ts: 0, dur: 100 },
      ...arrow(1, 1, 0, 2, 0),
      ...arrow(2, 2, 0, 1, 0),
    ]);
    expect(criticalPath(model).length).toBeLessThanOrEqual(model.size + 1);
  });

  it('shows names without what turns or hides text', () => {
    const model = modelOf([
      { ...base, ph: 'M', name: 'thread_name', ts: 0, args: { name: 'a\u202eb\u0000\u001b[31m' } },
      { ...base, ph: 'X', name: 'f', cat: 'step', ts: 0, dur: 1 },
    ]);
    expect(model.tracks[0]!.name).toBe('a\\u202eb\\x00\\x1b[31m');
  });

  it('finds slices by their names and tasks by theirs, whatever the case', () => {
    const model = modelOf([
      { ...base, ph: 'M', name: 'thread_name', ts: 0, args: { name: 'Worker 1' } },
      { ...base, ph: 'X', name: 'load', cat: 'step', ts: 5, dur: 1 },
      { ...base, ph: 'X', name: 'load', cat: 'step', ts: 9, dur: 1 },
      { ...base, ph: 'B', name: 'get Queue', cat: 'wait', ts: 1 },
    ]);
    const found = (text: string) => new Search(text).find(model).map((slice) => nameOf(slice));
    expect(found('LOAD')).toEqual(['load', 'load']);
    expect(found('queue')).toEqual(['get Queue']);
    expect(found('worker')).toEqual(['load']);
    expect(found('nothing')).toEqual([]);
  });
});
