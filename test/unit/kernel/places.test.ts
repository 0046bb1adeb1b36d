import { createTask, sleep } from 'asyncio-ts';
import { afterEach, describe, expect, test } from 'vitest';
import { waitsOfTask } from '../../../src/kernel/lowlevel.ts';
import { CallSite, callerOf, reportOnce } from '../../../src/kernel/places.ts';
import { muteLog } from '../../support/loops.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describe('a report once for each place', () => {
  test('comes once however often the line runs, and names it', () => {
    const warn = muteLog('warn');
    for (let i = 0; i < 3; i++) reportOnce('mistake', 'write it so');
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringMatching(/^write it so\n {4}at \S*places\.test\.ts:\d+:\d+$/),
    );
  });

  test('comes for each of two places, and for each of two mistakes at one place', () => {
    const warn = muteLog('warn');
    const report = (kind: string) => reportOnce(kind, kind);
    reportOnce('one', 'one');
    for (const kind of ['one', 'other', 'one', 'other']) report(kind);
    expect(warn.mock.calls.map(([message]) => String(message).split('\n')[0])).toEqual(['one', 'one', 'other']);
  });

  test('remembers no more than 1000 places: after these the report is repeated', () => {
    const warn = muteLog('warn');
    const report = (kind: string) => reportOnce(kind, kind);
    report('first');
    for (let i = 0; i < 999; i++) report(`number ${i}`);
    report('first');
    expect(warn).toHaveBeenCalledTimes(1000);
    report('one more');
    report('first');
    report('number 998');
    expect(warn.mock.calls.slice(1000).map(([message]) => String(message).split('\n')[0])).toEqual([
      'one more',
      'first',
    ]);
  });

  describe('without stacks', () => {
    const { stackTraceLimit } = Error;
    afterEach(() => {
      Error.stackTraceLimit = stackTraceLimit;
    });

    test('comes once in all', () => {
      const warn = muteLog('warn');
      Error.stackTraceLimit = 0;
      reportOnce('mistake nowhere', 'here');
      reportOnce('mistake nowhere', 'there');
      expect(warn).toHaveBeenCalledExactlyOnceWith('here');
    });
  });
});

describeBoth('the place of a wait', (s) => {
  test('is null for a coroutine of the library in a task of its own, although another task is on the stack', async () => {
    const { result } = await runVirtually(
      s.fn(function* () {
        const task = createTask(sleep(100));
        const other = createTask(
          s.fn(function* () {
            yield* s.wait(sleep(100));
          }),
        );
        yield* s.wait(sleep(1));
        const places = [task, other].map((one) => waitsOfTask(one).map(({ place }) => place));
        for (const one of [task, other]) one.cancel();
        return places;
      }),
      { debug: true },
    );
    expect(result).toEqual([[null], [expect.stringMatching(/places\.test\.ts|spellings\.ts/)]]);
  });
});

describe('the caller in a stack', () => {
  test('is not looked for below the frame in which the loop runs the ready tasks: that is code of another task', () => {
    const stack = [
      'Error: place',
      '    at new CallSite (file:///a/kernel/places.js:1:2)',
      '    at #runBatch (file:///a/kernel/engine/scheduler.js:1:2)',
      '    at async other (file:///b/app.js:3:4)',
    ];
    expect(callerOf(stack.join('\n'))).toBe(null);
    expect(callerOf([...stack.slice(0, 2), '    at f (file:///b/app.js:1:2)', ...stack.slice(2)].join('\n'))).toBe(
      'file:///b/app.js:1:2',
    );
  });

  test('may be a method of the program that has the name of the one of the loop', () => {
    const stack = [
      'Error: place',
      '    at new CallSite (file:///a/kernel/places.js:1:2)',
      '    at Importer.#runBatch (file:///b/app.js:3:4)',
    ];
    expect(callerOf(stack.join('\n'))).toBe('file:///b/app.js:3:4');
  });

  const lines = (...frames: string[]) => frames.join('\n');

  test('is found as V8 writes it, whether modules have URLs or paths', () => {
    expect(
      callerOf(
        lines(
          'Error: mistake: at (line 1:2:3)',
          '    at reportOnce (file:///app/node_modules/asyncio-ts/dist/kernel/places.js:20:17)',
          '    at asCoroutine (file:///app/node_modules/asyncio-ts/dist/kernel/ensure.js:50:3)',
          '    at new Foo (file:///app/node_modules/asyncio-ts/dist/tasks/create.js:5:3)',
          '    at node:internal/process/task_queues:103:5',
          '    at Array.map (<anonymous>)',
          '    at async Promise.all (index 0)',
          '    at async file:///app/my%20(own)/main.js:10:5',
          '    at async main (file:///app/main.js:11:5)',
        ),
      ),
    ).toBe('file:///app/my%20(own)/main.js:10:5');
    expect(
      callerOf(
        lines(
          'Error',
          '    at reportOnce (C:\\app\\lib\\src\\kernel\\places.ts:20:17)',
          '    at gather (C:\\app\\lib\\src\\tasks\\gather.ts:50:3)',
          '    at Object.<anonymous> (C:\\app\\my (own)\\main.ts:3:4)',
        ),
      ),
    ).toBe('C:\\app\\my (own)\\main.ts:3:4');
  });

  test('is found as JavaScriptCore writes it', () => {
    expect(
      callerOf(
        lines(
          'reportOnce@https://cdn.example/@scope/asyncio-ts@1/dist/kernel/places.js:20:17',
          'shield@https://cdn.example/@scope/asyncio-ts@1/dist/tasks/shield.js:50:3',
          'map@[native code]',
          '@https://app.example/main.js:7:9',
          'module code@https://app.example/main.js:1:1',
        ),
      ),
    ).toBe('https://app.example/main.js:7:9');
  });

  test('is not a file of the bundle', () => {
    expect(
      callerOf(
        lines(
          'Error',
          '    at reportOnce (file:///app/node_modules/asyncio-ts/dist/bundle/shared-abc.js:20:17)',
          '    at createTask (file:///app/node_modules/asyncio-ts/dist/bundle/index.js:50:3)',
          '    at serve (file:///app/node_modules/asyncio-ts/dist/bundle/node/index.js:5:3)',
          '    at main (file:///app/node_modules/asyncio-ts/example.js:9:3)',
        ),
      ),
    ).toBe('file:///app/node_modules/asyncio-ts/example.js:9:3');
  });

  test('is unknown in a program that is in one file with the library, and in an empty stack', () => {
    expect(
      callerOf(lines('Error', '    at a (file:///app/out.js:20:17)', '    at main (file:///app/out.js:900:3)')),
    ).toBe(null);
    expect(callerOf('')).toBe(null);
    expect(callerOf('Error: mistake')).toBe(null);
  });
});

test('a call site names the function that it is in, and nothing where that has no name', async () => {
  function named(): CallSite {
    return new CallSite();
  }
  const object = { method: () => new CallSite() };
  class Service {
    load(): CallSite {
      return new CallSite();
    }
  }
  function* generator(): Generator<CallSite, void, unknown> {
    yield new CallSite();
  }
  async function later(): Promise<CallSite> {
    await null;
    return new CallSite();
  }
  const sites = [named(), new Service().load(), generator().next().value as CallSite, await later()];
  expect(sites.map((site) => site.functionName)).toEqual(['named', 'Service.load', 'generator', 'later']);
  expect(object.method().functionName).toMatch(/^(method)?$/);
  expect((() => new CallSite())().functionName).toBe('');
  expect(await (async () => await Promise.resolve(new CallSite()))().then((site) => site.functionName)).toBe('');
});
