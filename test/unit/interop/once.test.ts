import { EventEmitter, setMaxListeners } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import {
  CancelledError,
  createTask,
  type EventFuture,
  type EventIterator,
  getRunningLoop,
  on,
  once,
  sleep,
  timeout,
} from 'asyncio-ts';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { type CloseEvent, WebSocket } from 'ws';
import { manualLoop } from '../../support/loops.ts';
import { failure, iterations, program } from '../../support/programs.ts';
import { simulated } from '../../support/simulated-runtime.ts';
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

describe('40 waits for one event', () => {
  const MANY = 40;
  const sources: [kind: string, make: () => EventEmitter | CountedTarget][] = [
    ['target', () => new CountedTarget()],
    ['emitter', () => new EventEmitter().setMaxListeners(0)],
  ];
  const emit = (source: EventEmitter | CountedTarget, type: string) =>
    source instanceof CountedTarget ? source.dispatchEvent(new Event(type)) : source.emit(type);
  const wait = (source: EventEmitter | CountedTarget, type: string) => once(source as EventEmitter, type);

  describe.each(sources)('of one %s', (_kind, make) => {
    test(
      'are served in the order in which they began, also when some have left and others have come',
      simulated(async () => {
        const source = make();
        const order: number[] = [];
        const begin = (i: number) => {
          const next = wait(source, 'x');
          next.addDoneCallback(() => next.cancelled() || order.push(i));
          return next;
        };
        const waits = Array.from({ length: MANY }, (_, i) => begin(i));
        for (const left of [0, 7, 36]) waits[left]!.cancel();
        for (let i = MANY; i < MANY + 3; i++) begin(i);
        emit(source, 'x');
        expect(listeners(source)).toBe(0);
        await sleep(0);
        expect(order).toEqual(Array.from({ length: MANY + 3 }, (_, i) => i).filter((i) => ![0, 7, 36].includes(i)));
      }),
    );

    test(
      'have few listeners, and none once all have left, in whatever order',
      simulated(async () => {
        const source = make();
        for (const inOrder of [true, false]) {
          const waits = Array.from({ length: 1_000 }, () => wait(source, 'x'));
          expect(listeners(source)).toBeLessThan(100);
          for (const next of inOrder ? waits : waits.toReversed()) next.cancel();
          expect(listeners(source)).toBe(0);
        }
      }),
    );

    test(
      'are over with one event: those that begin when it has come get the next one',
      simulated(async () => {
        const source = make();
        const first = Array.from({ length: MANY }, () => wait(source, 'x'));
        emit(source, 'x');
        const second = Array.from({ length: MANY }, () => wait(source, 'x'));
        expect([first.every((next) => next.done()), second.some((next) => next.done())]).toEqual([true, false]);
        emit(source, 'x');
        expect(second.every((next) => next.done())).toBe(true);
      }),
    );
  });

  test(
    'fail with the error that the emitter emits',
    simulated(async () => {
      const emitter = new EventEmitter().setMaxListeners(0);
      const waits = Array.from({ length: MANY }, () => once(emitter, 'data'));
      const error = new Error('broken');
      emitter.emit('error', error);
      expect(waits.map((next) => next.exception())).toEqual(Array(MANY).fill(error));
      expect(listeners(emitter)).toBe(0);
    }),
  );

  test(
    'keep no others from the event when the program has removed their listeners',
    simulated(async () => {
      const { port1, port2 } = new MessageChannel();
      const emitter = new EventEmitter().setMaxListeners(0);
      setMaxListeners(0, port1);
      for (const [source, fire] of [
        [emitter, () => emitter.emit('x')],
        [port1, () => port1.dispatchEvent(new Event('x'))],
      ] as const) {
        const left = Array.from({ length: MANY }, () => once(source as EventEmitter, 'x'));
        source.removeAllListeners('x');
        const next = once(source as EventEmitter, 'x');
        fire();
        expect(next.done()).toBe(true);
        for (const one of left) one.cancel();
      }
      port2.close();
    }),
  );

  test(
    'are separate for the two phases in which they can listen',
    simulated(async () => {
      const parts: string[] = [];
      const target = new CountedTarget();
      for (const capture of [false, true]) {
        for (let i = 0; i < MANY; i++) once(target, 'x', { capture }).addDoneCallback(() => parts.push(`${capture}`));
      }
      expect(target.options.filter((options) => (options as { capture: boolean }).capture)).not.toEqual([]);
      target.dispatchEvent(new Event('x'));
      await sleep(0);
      expect(parts.filter((part) => part === 'true').length).toBe(MANY);
      expect(listeners(target)).toBe(0);
    }),
  );

  test(
    'of iterators give every event to each, until each is closed',
    simulated(async () => {
      const emitter = new EventEmitter().setMaxListeners(0);
      const all = Array.from({ length: MANY }, () => on(emitter, 'x', { close: ['end'] }));
      emitter.emit('x');
      all[35]![Symbol.dispose]();
      emitter.emit('x');
      expect(all.map((events) => events.size)).toEqual(Array.from({ length: MANY }, (_, i) => (i === 35 ? 0 : 2)));
      emitter.emit('end');
      expect(listeners(emitter)).toBe(0);
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

  test('of a WebSocket of `ws`, an emitter that is a target too, has the type of what it gives: an event', async () => {
    const socket = new WebSocket('ws://127.0.0.1:1');
    socket.on('error', () => {}); // nobody is there
    expectTypeOf(() => once(socket, 'close')).returns.toEqualTypeOf<EventFuture<unknown>>();
    expectTypeOf(() => on(socket, 'message')).returns.toEqualTypeOf<EventIterator<unknown>>();
    expect(await once<CloseEvent>(socket, 'close')).toMatchObject({ type: 'close', code: 1006 });
  });
});
