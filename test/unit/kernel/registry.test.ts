import { Lock, newEventLoop, type Registry, sleep, type TaskReport } from 'asyncio-ts';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { collectGarbage } from '../../support/gc.ts';
import { manualLoop } from '../../support/loops.ts';
import { describeBoth } from '../../support/spellings.ts';

const KEY = Symbol.for('asyncio-ts');

/** What a tool that looks into the process finds. */
function registry(): Registry {
  manualLoop(); // the first loop publishes it
  return (globalThis as { [KEY]?: Registry })[KEY]!;
}

function reportOf(name: string): TaskReport | undefined {
  return registry()
    .tasks(0, Number.POSITIVE_INFINITY)
    .find((report) => report.name === name);
}

describe('the registry under Symbol.for("asyncio-ts")', () => {
  test('has a version, and is seen by no loop over the globals', () => {
    expect(registry().version).toBe(1);
    expect(Object.getOwnPropertyDescriptor(globalThis, KEY)?.enumerable).toBe(false);
  });

  test('gives the loops that are alive and not closed', () => {
    const [open, closed] = [newEventLoop(), newEventLoop()];
    closed.close();
    expect(registry().loops().includes(open)).toBe(true);
    expect(registry().loops().includes(closed)).toBe(false);
  });

  test('looks at no loop that is closed, and at those that are not only now and then, when another one is made', () => {
    const deref = vi.spyOn(WeakRef.prototype, 'deref');
    onTestFinished(() => deref.mockRestore());
    for (let i = 0; i < 1_000; i++) newEventLoop().close();
    const ofClosed = deref.mock.calls.length;
    const open = Array.from({ length: 1_000 }, () => newEventLoop());
    expect(ofClosed).toBeLessThan(1_000);
    expect(deref.mock.calls.length - ofClosed).toBeLessThan(4 * open.length);
    expect(new Set(registry().loops()).isSupersetOf(new Set(open))).toBe(true);
    for (const loop of open) loop.close();
  });

  test('keeps no loop alive', async () => {
    const refOfLoop = () => new WeakRef(newEventLoop());
    const ref = refOfLoop();
    await collectGarbage();
    expect(ref.deref()).toBe(undefined);
  });

  test('gives the tasks page by page', () => {
    const { loop } = manualLoop();
    for (let i = 0; i < 150; i++) loop.createTask(sleep(1), { name: `page ${i}` });
    const all = registry().tasks(0, Number.POSITIVE_INFINITY);
    expect(all.filter((report) => report.name.startsWith('page '))).toHaveLength(150);
    expect(registry().tasks()).toEqual(all.slice(0, 100));
    expect(registry().tasks(100, 20)).toEqual(all.slice(100, 120));
    expect(registry().tasks(all.length)).toEqual([]);
    loop.close();
  });
});

describeBoth('the report of a task', (s) => {
  test('shows that it is scheduled, then what it waits for, then nothing', async () => {
    const { loop, host, iterate } = manualLoop();
    const main = s.fn(function* () {
      yield* s.wait(sleep(5));
    });
    loop.createTask(main, { name: 'napper' });
    expect(reportOf('napper')).toMatchObject({ name: 'napper', state: 'scheduled', waitsFor: null, awaitedBy: [] });
    await iterate();
    expect(reportOf('napper')).toMatchObject({ state: 'waiting', waitsFor: expect.stringMatching(/^sleep/) });
    host.advance(5);
    await iterate(2);
    expect(reportOf('napper')).toBe(undefined);
  });

  test('names the tasks that wait for it', async () => {
    const { loop, iterate } = manualLoop();
    const inner = loop.createTask(sleep(5), { name: 'inner' });
    const outer = s.fn(function* () {
      yield* s.wait(inner);
    });
    loop.createTask(outer, { name: 'outer' });
    await iterate();
    expect(reportOf('inner')?.awaitedBy).toEqual([expect.stringContaining("'outer'")]);
    expect(reportOf('outer')).toMatchObject({ state: 'waiting', waitsFor: expect.stringContaining("'inner'") });
  });

  test('shows the operation and its object when it waits at a primitive', async () => {
    const { loop, iterate } = manualLoop();
    const lock = new Lock();
    const main = s.fn(function* () {
      yield* s.wait(lock.acquire());
      yield* s.wait(lock.acquire());
    });
    loop.createTask(main, { name: 'acquirer' });
    await iterate();
    expect(reportOf('acquirer')?.waitsFor).toMatch(/^acquire of <Lock /);
  });

  test('says that it runs, when it looks at itself', async () => {
    const { loop, iterate } = manualLoop();
    const states: (string | undefined)[] = [];
    const main = s.fn(function* () {
      states.push(reportOf('looker')?.state);
      yield* s.wait(sleep(0));
      states.push(reportOf('looker')?.state);
    });
    loop.createTask(main, { name: 'looker' });
    await iterate(2);
    expect(states).toEqual(['running', 'running']);
  });
});

describe('the report of an async function', () => {
  test('that waits for a foreign promise says that it is detached', async () => {
    const { loop, iterate } = manualLoop();
    const foreign = Promise.withResolvers<void>();
    loop.createTask(async () => await foreign.promise, { name: 'foreigner' });
    await iterate();
    expect(reportOf('foreigner')).toMatchObject({ state: 'detached', waitsFor: null });
    foreign.resolve();
    await iterate();
    expect(reportOf('foreigner')).toBe(undefined);
  });
});
