import { ContextVar, copyContext, type EventLoop, type ExceptionContext, KeyboardInterrupt, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { manualLoop, muteLog } from '../../support/loops.ts';
import { describeBoth } from '../../support/spellings.ts';

/** Collects the reports to the loop's exception handler. */
function reportsOf(loop: EventLoop): ExceptionContext[] {
  const reports: ExceptionContext[] = [];
  loop.setExceptionHandler((_loop, context) => {
    reports.push(context);
  });
  return reports;
}

function failing(error: unknown): () => never {
  return function save() {
    throw error;
  };
}

describeBoth('an error in a callback', (s) => {
  test('goes to the exception handler, and the loop keeps running', async () => {
    const { loop, iterate } = manualLoop();
    const reports = reportsOf(loop);
    const error = new Error('no');
    const trace: string[] = [];
    const main = s.fn(function* () {
      trace.push('step');
      yield* s.wait(sleep(0));
      trace.push('next step');
    });
    const handle = loop.callSoon(failing(error));
    loop.createTask(main);
    await iterate(2);
    expect(trace).toEqual(['step', 'next step']);
    expect(reports).toEqual([{ message: 'Exception in callback save()', exception: error, handle }]);
  });

  test('of a task, a done callback, goes the same way', async () => {
    const { loop, drain } = manualLoop();
    const reports = reportsOf(loop);
    const main = s.fn(function* () {
      return 'result';
    });
    const task = loop.createTask(main);
    task.addDoneCallback(failing(new Error('no')));
    await drain();
    expect(task.result()).toBe('result');
    expect(reports).toEqual([expect.objectContaining({ message: 'Exception in callback save()' })]);
  });
});

describe('the exception handler', () => {
  test('gets the loop and the context', () => {
    const { loop } = manualLoop();
    const calls: unknown[][] = [];
    loop.setExceptionHandler((...args) => calls.push(args));
    const context = { message: 'told', detail: 1 };
    loop.callExceptionHandler(context);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.[0]).toBe(loop);
    expect(calls[0]?.[1]).toBe(context);
  });

  test('can be read, and taken away with null', () => {
    const { loop } = manualLoop();
    const handler = () => {};
    expect(loop.getExceptionHandler()).toBe(null);
    loop.setExceptionHandler(handler);
    expect(loop.getExceptionHandler()).toBe(handler);
    loop.setExceptionHandler(null);
    expect(loop.getExceptionHandler()).toBe(null);
  });

  test('must be a function', () => {
    const { loop } = manualLoop();
    expect(() => loop.setExceptionHandler('handler' as never)).toThrow(TypeError);
  });

  test.each(['task', 'future', 'handle'] as const)('runs in the context of the %s concerned', (key) => {
    const { loop } = manualLoop();
    const variable = new ContextVar('variable', { default: 'outside' });
    const concerned = copyContext();
    concerned.run(() => variable.set('inside'));
    const seen: string[] = [];
    loop.setExceptionHandler(() => seen.push(variable.get()));
    loop.callExceptionHandler({ message: 'told', [key]: { getContext: () => concerned } });
    loop.callExceptionHandler({ message: 'told' });
    expect(seen).toEqual(['inside', 'outside']);
  });

  test('sees what a callback had set before it threw', () => {
    const { loop } = manualLoop();
    const variable = new ContextVar('variable', { default: 'nothing' });
    const seen: string[] = [];
    loop.setExceptionHandler(() => seen.push(variable.get()));
    loop.callSoon(() => {
      variable.set('set by the callback');
      throw new Error('no');
    });
    loop.runOnce();
    expect(seen).toEqual(['set by the callback']);
    expect(variable.get()).toBe('nothing');
  });

  test('that throws makes way for the default one, and nothing leaves the loop', () => {
    const error = muteLog('error');
    const { loop } = manualLoop();
    const bug = new Error('a bug in the handler');
    loop.setExceptionHandler(() => {
      throw bug;
    });
    loop.callSoon(failing(new Error('no')));
    loop.runOnce();
    expect(error.mock.calls).toEqual([[expect.stringMatching(/^Unhandled error in exception handler/), bug]]);
  });

  test('that throws may be the default one', () => {
    const error = muteLog('error');
    const { loop } = manualLoop();
    const bug = new Error('a bug in the handler');
    loop.defaultExceptionHandler = () => {
      throw bug;
    };
    loop.callSoon(failing(new Error('no')));
    loop.runOnce();
    expect(error.mock.calls).toEqual([['Exception in default exception handler', bug]]);
  });

  test('may leave the loop by a KeyboardInterrupt', () => {
    const { loop } = manualLoop();
    loop.setExceptionHandler(() => {
      throw new KeyboardInterrupt();
    });
    expect(() => loop.callExceptionHandler({ message: 'told' })).toThrow(KeyboardInterrupt);
  });
});

describe('the default exception handler', () => {
  test('logs the message, the details by name, and the error', () => {
    const error = muteLog('error');
    const { loop } = manualLoop();
    const exception = new Error('no');
    loop.callExceptionHandler({ message: 'told', zebra: 1, ant: 'two', exception });
    expect(error.mock.calls).toEqual([["told\nant: 'two'\nzebra: 1", exception]]);
  });

  test('has a default message when none is given', () => {
    const error = muteLog('error');
    const { loop } = manualLoop();
    loop.defaultExceptionHandler({});
    expect(error.mock.calls).toEqual([['Unhandled exception in event loop']]);
  });

  test('gets a failing callback with its description', () => {
    const error = muteLog('error');
    const { loop } = manualLoop();
    const exception = new Error('no');
    loop.callSoon(failing(exception));
    loop.runOnce();
    expect(error.mock.calls).toEqual([['Exception in callback save()\nhandle: <Handle save()>', exception]]);
  });
});
