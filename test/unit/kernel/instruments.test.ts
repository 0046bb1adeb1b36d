import { addInstrument, type Instrument, sleep, Task, wait } from 'asyncio-ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { wrapSteps } from '../../../src/kernel/lowlevel.ts';
import { manualLoop, muteLog } from '../../support/loops.ts';
import { describeBoth } from '../../support/spellings.ts';

/** Installs an instrument for the time of the test. */
function install(instrument: Instrument): () => void {
  const remove = addInstrument(instrument);
  onTestFinished(remove);
  return remove;
}

/** Installs one that writes down which hook is called for which task. */
function record(): string[] {
  const trace: string[] = [];
  const log = (hook: string) => (task: Task<unknown>) => {
    trace.push(`${hook} ${task.getName()}`);
  };
  install({
    taskSpawned: (task, parent) => trace.push(`taskSpawned ${task.getName()} by ${parent?.getName() ?? 'nobody'}`),
    beforeStep: log('beforeStep'),
    afterStep: log('afterStep'),
    taskFinished: log('taskFinished'),
    waitBegin: log('waitBegin'),
    waitEnd: log('waitEnd'),
    cancelRequested: (task, by, message) =>
      trace.push(`cancelRequested ${task.getName()} by ${by?.getName() ?? 'nobody'}: ${message}`),
    cancelDelivered: log('cancelDelivered'),
    iterationBegin: () => trace.push('iterationBegin'),
    iterationEnd: () => trace.push('iterationEnd'),
  });
  return trace;
}

describeBoth('an instrument', (s) => {
  test('is called for each step in the life of a task', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<void>();
    const trace = record();
    loop.createTask(
      s.fn(function* () {
        yield* s.wait(future);
        yield* s.wait(sleep(0));
      }),
      { name: 'main' },
    );
    await iterate();
    future.setResult();
    await iterate(2);
    expect(trace).toEqual([
      'taskSpawned main by nobody',
      'iterationBegin',
      'beforeStep main',
      'waitBegin main',
      'afterStep main',
      'iterationEnd',
      'iterationBegin',
      'waitEnd main',
      'beforeStep main',
      'afterStep main',
      'iterationEnd',
      'iterationBegin',
      'beforeStep main',
      'taskFinished main',
      'afterStep main',
      'iterationEnd',
    ]);
  });

  test('sees that a task gives way, with others and alone, in whatever way it is written', async () => {
    const { loop, iterate } = manualLoop();
    const seen: [string, boolean][] = [];
    install({ gaveWay: (task, wait) => seen.push([task.getName(), typeof wait === 'object']) });
    const main = s.fn(function* () {
      yield* s.wait(sleep(0));
      yield* s.wait(sleep(1));
      yield* s.wait(sleep(0));
    });
    loop.createTask(main, { name: 'main' });
    await iterate(2);
    expect(seen).toEqual([['main', true]]);
    loop.createTask(main, { name: 'other' });
    await iterate(2);
    expect(seen).toEqual([
      ['main', true],
      ['other', true],
    ]);
  });

  test('sees which task makes a task, and which one cancels it', async () => {
    const { loop, iterate } = manualLoop();
    const trace = record();
    const child = s.fn(function* () {
      yield* s.wait(sleep(10));
    });
    const parent = s.fn(function* () {
      const task = loop.createTask(child, { name: 'child' });
      yield* s.wait(sleep(0));
      task.cancel('enough');
    });
    loop.createTask(parent, { name: 'parent' });
    await iterate(3);
    expect(trace.filter((line) => /Spawned|cancel/.test(line))).toEqual([
      'taskSpawned parent by nobody',
      'taskSpawned child by parent',
      'cancelRequested child by parent: enough',
      'cancelDelivered child',
    ]);
  });

  test('sees what a task waits on', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<void>();
    const objects: object[] = [];
    install({ waitBegin: (_task, on) => objects.push(on), waitEnd: (_task, on) => objects.push(on) });
    loop.createTask(
      s.fn(function* () {
        yield* s.wait(future);
      }),
    );
    await iterate();
    future.setResult();
    await iterate();
    expect(objects.map((object) => object === future)).toEqual([true, true]);
  });

  test('sees who wakes whom, also by ending, and that nobody does where a timer is due', async () => {
    const { loop, host, iterate } = manualLoop();
    const nameOf = (one: object | null) => (one instanceof Task ? one.getName() : one === null ? 'nobody' : 'a future');
    const seen: string[] = [];
    install({ woken: (awaiter, on, by) => seen.push(`${nameOf(by)} wakes ${nameOf(awaiter)} from ${nameOf(on)}`) });
    const future = loop.createFuture<void>();
    const sleeper = loop.createTask(
      s.fn(function* () {
        yield* s.wait(sleep(1));
        future.setResult();
      }),
      { name: 'sleeper' },
    );
    loop.createTask(
      s.fn(function* () {
        yield* s.wait(future);
        yield* s.wait(sleeper);
      }),
      { name: 'waiter' },
    );
    loop.createTask(
      s.fn(function* () {
        yield* s.wait(sleeper);
      }),
      { name: 'joiner' },
    );
    await iterate();
    host.advance(1);
    await iterate(2);
    expect(seen).toEqual([
      'nobody wakes sleeper from a future',
      'sleeper wakes waiter from a future',
      'sleeper wakes joiner from sleeper',
    ]);
  });

  test('sees that a task which ends one of several waits wakes who waits for all, and nobody who waits for something else', async () => {
    const { loop, host, iterate } = manualLoop();
    const nameOf = (one: object | null) => (one instanceof Task ? one.getName() : 'nobody');
    const seen: string[] = [];
    install({
      woken: (awaiter, _on, by) => awaiter instanceof Task && seen.push(`${nameOf(by)} wakes ${nameOf(awaiter)}`),
    });
    const nap = (seconds: number, name: string) =>
      loop.createTask(
        s.fn(function* () {
          yield* s.wait(sleep(seconds));
        }),
        { name },
      );
    loop.createTask(
      s.fn(function* () {
        yield* s.wait(wait([nap(1, 'first'), nap(2, 'second')]));
        const slow = nap(9, 'slow');
        yield* s.wait(wait([nap(1, 'third'), slow], { timeout: 2 }));
        slow.cancel();
      }),
      { name: 'waiter' },
    );
    await iterate();
    for (let second = 1; second <= 5; second++) {
      host.advance(1);
      await iterate(8);
    }
    expect(seen).toEqual([
      'nobody wakes first',
      'nobody wakes second',
      'second wakes waiter',
      'nobody wakes third',
      'nobody wakes waiter',
      'waiter wakes slow',
    ]);
  });

  test('that throws is reported and removed; the program and the others go on', async () => {
    const error = muteLog('error');
    const { loop, iterate } = manualLoop();
    const bug = new Error('a bug in the hook');
    let calls = 0;
    install({
      beforeStep: () => {
        calls++;
        throw bug;
      },
      afterStep: () => calls++,
    });
    const trace = record();
    const task = loop.createTask(
      s.fn(function* () {
        yield* s.wait(sleep(0));
        return 'result';
      }),
      { name: 'main' },
    );
    await iterate(2);
    expect(task.result()).toBe('result');
    expect(calls).toBe(1);
    expect(trace.filter((line) => line === 'beforeStep main')).toHaveLength(2);
    expect(error.mock.calls).toEqual([['An instrument was removed because its beforeStep() threw', bug]]);
  });

  test('that was removed is not called any more', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const remove = install({ beforeStep: () => trace.push('step') });
    loop.createTask(
      s.fn(function* () {
        yield* s.wait(sleep(0));
      }),
    );
    await iterate();
    remove();
    remove();
    await iterate();
    expect(trace).toEqual(['step']);
  });
});

describe('choose', () => {
  /** The order in which four timers of one deadline and a later one run. */
  function orderOfTimers(): string {
    const { loop, host } = manualLoop();
    const trace: string[] = [];
    for (const name of 'abcd') loop.callAt(1, () => trace.push(name));
    loop.callAt(2, () => trace.push('z'));
    host.advance(2);
    loop.runOnce();
    return trace.join('');
  }

  test('is asked where timers have one deadline, and only while there is a choice', () => {
    const asked: [string, number][] = [];
    install({
      choose: (label, count) => {
        asked.push([label, count]);
        return count - 1;
      },
    });
    expect(orderOfTimers()).toBe('dcbaz');
    expect(asked).toEqual([
      ['timer tie', 4],
      ['timer tie', 3],
      ['timer tie', 2],
    ]);
  });

  test('is 0, the order of scheduling, without an instrument that chooses', () => {
    expect(orderOfTimers()).toBe('abcdz');
    install({});
    expect(orderOfTimers()).toBe('abcdz');
  });

  test.each([-1, 4, 0.5, Number.NaN])('that answers %d is reported and taken out', (answer) => {
    const error = muteLog('error');
    install({ choose: () => answer });
    expect(orderOfTimers()).toBe('abcdz');
    expect(error.mock.calls).toEqual([
      ['An instrument was removed because its choose() threw', expect.objectContaining({ name: 'RangeError' })],
    ]);
  });
});

describeBoth('functions that call the steps of tasks', (s) => {
  test('nest, are there for each step until they are taken away, and let errors through', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const wrap = (name: string) => {
      const remove = wrapSteps((task, step) => {
        trace.push(`${name} begins ${task.getName()}`);
        try {
          step();
        } finally {
          trace.push(`${name} ends`);
        }
      });
      onTestFinished(remove);
      return remove;
    };
    const outer = wrap('outer');
    const inner = wrap('inner');
    const task = loop.createTask(
      s.fn(function* () {
        trace.push('step');
        yield* s.wait(sleep(0));
        throw new RangeError('its own');
      }),
      { name: 'task' },
    );
    await iterate();
    expect(trace).toEqual(['outer begins task', 'inner begins task', 'step', 'inner ends', 'outer ends']);
    outer();
    inner();
    await iterate();
    expect(trace).toHaveLength(5);
    expect(task.exception()).toBeInstanceOf(RangeError);
  });
});
