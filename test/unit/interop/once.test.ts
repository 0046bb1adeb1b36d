import { EventEmitter } from 'node:events';
import { CancelledError, createTask, getRunningLoop, once, sleep, timeout } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { manualLoop } from '../../support/loops.ts';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { CountedTarget, listeners } from './support.ts';

describeBoth('once', (s) => {
  test(
    'gives the event of a target, and listens no longer',
    program(s, function* () {
      const target = new CountedTarget();
      const event = new Event('done');
      getRunningLoop().callLater(1, () => target.dispatchEvent(event));
      expect(yield* s.wait(once<Event>(target, 'done'))).toBe(event);
      expect(target.listeners).toBe(0);
    }),
  );

  test(
    'gives the arguments of what an emitter emits, and listens no longer',
    program(s, function* () {
      const emitter = new EventEmitter();
      getRunningLoop().callLater(1, () => emitter.emit('exit', 3, 'SIGTERM'));
      const [code, signal] = yield* s.wait(once<[number, string]>(emitter, 'exit'));
      expect([code, signal]).toEqual([3, 'SIGTERM']);
      expect(listeners(emitter)).toBe(0);
    }),
  );

  test(
    'listens from the call on',
    program(s, function* () {
      const emitter = new EventEmitter();
      const ready = once(emitter, 'ready');
      emitter.emit('ready', 1);
      emitter.emit('ready', 2);
      yield* iterations(s, 3);
      expect(yield* s.wait(ready)).toEqual([1]);
    }),
  );

  test(
    'fails with the error that an emitter emits first',
    program(s, function* () {
      const emitter = new EventEmitter();
      const error = new Error('broken');
      getRunningLoop().callLater(1, () => emitter.emit('error', error));
      expect(yield* failure(s, once(emitter, 'data'))).toBe(error);
      expect(listeners(emitter)).toBe(0);
    }),
  );

  test(
    'of errors gives them as what is emitted',
    program(s, function* () {
      const emitter = new EventEmitter();
      const error = new Error('broken');
      getRunningLoop().callLater(1, () => emitter.emit('error', error));
      expect(yield* s.wait(once(emitter, 'error'))).toEqual([error]);
      expect(listeners(emitter)).toBe(0);
    }),
  );

  test(
    'fails with something also when an emitter emits an error without one',
    program(s, function* () {
      const emitter = new EventEmitter();
      getRunningLoop().callLater(1, () => emitter.emit('error', undefined));
      expect(yield* failure(s, once(emitter, 'data'))).toMatchObject({ code: 'THREW_NOTHING' });
    }),
  );

  test.each(['target', 'emitter'])('listens no longer when its task is cancelled (%s)', (kind) =>
    program(s, function* () {
      const source = kind === 'target' ? new CountedTarget() : new EventEmitter();
      const waiting = createTask(
        s.fn(function* () {
          yield* s.wait(once(source as EventEmitter, 'never'));
        }),
      );
      yield* s.wait(sleep(1));
      expect(listeners(source)).toBeGreaterThan(0);
      waiting.cancel();
      expect(listeners(source)).toBe(0);
      expect(yield* failure(s, waiting)).toBeInstanceOf(CancelledError);
    })(),
  );

  test(
    'listens no longer when the time is up',
    program(s, function* () {
      const emitter = new EventEmitter();
      const body = s.fn(function* () {
        yield* s.wait(once(emitter, 'never'));
      });
      expect(yield* failure(s, timeout(1, body))).toMatchObject({ name: 'TimeoutError' });
      expect(listeners(emitter)).toBe(0);
    }),
  );

  test(
    'as a resource listens no longer when it is left before the event',
    program(s, function* () {
      const emitter = new EventEmitter();
      {
        using ready = once(emitter, 'ready');
        expect([ready.done(), listeners(emitter)]).toEqual([false, 2]);
      }
      expect(listeners(emitter)).toBe(0);
      yield* iterations(s, 1);
    }),
  );

  test(
    'passes the options of a target on',
    program(s, function* () {
      const target = new CountedTarget();
      const next = once(target, 'done', { capture: true, passive: true });
      expect(target.options).toEqual([{ capture: true, passive: true }]);
      next.cancel();
      expect(target.listeners).toBe(0);
      yield* iterations(s, 1);
    }),
  );
});

describe('the future of an event', () => {
  test('is done in the order in which several were made', async () => {
    const { loop, drain } = manualLoop();
    const emitter = new EventEmitter();
    const order: number[] = [];
    loop.callSoon(() => {
      for (const i of [1, 2, 3]) once(emitter, 'x').addDoneCallback(() => order.push(i));
    });
    await drain();
    emitter.emit('x');
    await drain();
    expect(order).toEqual([1, 2, 3]);
  });

  test('drops an event that comes after its loop was closed, and listens no longer', async () => {
    const { loop, drain } = manualLoop();
    const emitter = new EventEmitter();
    loop.callSoon(() => void once(emitter, 'x'));
    await drain();
    loop.close();
    emitter.emit('x');
    expect(listeners(emitter)).toBe(0);
  });

  test('shows what it waits for', async () => {
    const { loop, drain } = manualLoop();
    let text = '';
    loop.callSoon(() => {
      text = String(once(new EventEmitter(), 'data'));
    });
    await drain();
    expect(text).toContain('waits_for=event data');
  });

  test.each([null, undefined, 42, {}, { on() {} }])('of %o is a TypeError', (source) => {
    expect(() => once(source as never, 'x')).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'NOT_AN_EVENT_SOURCE' }),
    );
  });

  test('removes its other listeners when the source refuses one', () => {
    const emitter = new EventEmitter();
    const on = emitter.on.bind(emitter);
    emitter.on = (type, listener) => {
      if (type === 'error') throw new Error('refused');
      return on(type, listener);
    };
    expect(() => once(emitter, 'x')).toThrow('refused');
    expect(listeners(emitter)).toBe(0);
  });
});
