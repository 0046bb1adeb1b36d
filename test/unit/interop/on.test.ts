import { EventEmitter } from 'node:events';
import { CancelledError, createTask, forEach, getRunningLoop, on, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';
import { CountedTarget, listeners } from './support.ts';

describeBoth('on', (s) => {
  test(
    'gives the events of a target in their order',
    program(s, function* () {
      const target = new CountedTarget();
      const events = on<CustomEvent<number>>(target, 'item');
      const emit = (detail: number) => target.dispatchEvent(new CustomEvent('item', { detail }));
      emit(1);
      getRunningLoop().callLater(1, () => [emit(2), emit(3)]);
      const seen: number[] = [];
      while (seen.length < 3) seen.push((yield* s.wait(events.next())).value!.detail);
      expect(seen).toEqual([1, 2, 3]);
      expect(yield* s.wait(events.return())).toEqual({ done: true, value: undefined });
      expect(target.listeners).toBe(0);
      expect(yield* s.wait(events.next())).toEqual({ done: true, value: undefined });
    }),
  );

  test(
    'gives the arguments of what an emitter emits, until an event that ends it',
    program(s, function* () {
      const emitter = new EventEmitter();
      const seen: unknown[] = [];
      getRunningLoop().callLater(1, () => {
        emitter.emit('line', 'a', 1);
        emitter.emit('line', 'b', 2);
        emitter.emit('close');
        emitter.emit('line', 'c', 3);
      });
      const body = s.fn(function* (line: unknown[]) {
        seen.push(line);
      });
      yield* s.wait(forEach(on(emitter, 'line', { close: ['close', 'end'] }), body));
      expect(seen).toEqual([
        ['a', 1],
        ['b', 2],
      ]);
      expect(listeners(emitter)).toBe(0);
    }),
  );

  test(
    'throws the error that an emitter emits, after the events before it, and once',
    program(s, function* () {
      const emitter = new EventEmitter();
      const error = new Error('broken');
      const events = on(emitter, 'data');
      emitter.emit('data', 1);
      emitter.emit('error', error);
      expect(listeners(emitter)).toBe(0);
      expect((yield* s.wait(events.next())).value).toEqual([1]);
      expect(yield* failure(s, events.next())).toBe(error);
      expect((yield* s.wait(events.next())).done).toBe(true);
    }),
  );

  test(
    'throws the error to a task that waits',
    program(s, function* () {
      const emitter = new EventEmitter();
      getRunningLoop().callLater(1, () => emitter.emit('error', new Error('broken')));
      expect(yield* failure(s, on(emitter, 'data').next())).toMatchObject({ message: 'broken' });
      expect(listeners(emitter)).toBe(0);
    }),
  );

  test(
    'of errors gives them as what is emitted',
    program(s, function* () {
      const emitter = new EventEmitter();
      const errors = on(emitter, 'error');
      emitter.emit('error', 1);
      emitter.emit('error', 2);
      expect((yield* s.wait(errors.next())).value).toEqual([1]);
      expect((yield* s.wait(errors.next())).value).toEqual([2]);
      yield* s.wait(errors.return());
      expect(listeners(emitter)).toBe(0);
    }),
  );

  test(
    'listens no longer when the wait for the next event is cancelled',
    program(s, function* () {
      const emitter = new EventEmitter();
      const waiting = createTask(
        s.fn(function* () {
          yield* s.wait(on(emitter, 'never').next());
        }),
      );
      yield* s.wait(sleep(1));
      expect(listeners(emitter)).toBe(2);
      waiting.cancel();
      expect(yield* failure(s, waiting)).toBeInstanceOf(CancelledError);
      expect(listeners(emitter)).toBe(0);
    }),
  );

  test.each(['error', 'cancellation'])('listens no longer when the body is left by its %s', (kind) =>
    program(s, function* () {
      const emitter = new EventEmitter();
      const body = s.fn(function* () {
        if (kind === 'error') throw new Error('of the body');
        yield* s.wait(sleep(60));
      });
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(forEach(on(emitter, 'x'), body));
        }),
      );
      yield* s.wait(sleep(0.2));
      emitter.emit('x');
      yield* s.wait(sleep(0.2));
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: kind === 'error' ? 'Error' : 'CancelledError' });
      expect(listeners(emitter)).toBe(0);
    })(),
  );

  test(
    'serves several tasks in the order in which they came',
    program(s, function* () {
      const emitter = new EventEmitter();
      const events = on<[number]>(emitter, 'x');
      const seen: string[] = [];
      const take = (name: string) =>
        createTask(
          s.fn(function* () {
            seen.push(`${name}${(yield* s.wait(events.next())).value}`);
          }),
        );
      const tasks = [take('a'), take('b')];
      yield* s.wait(sleep(1));
      emitter.emit('x', 1);
      emitter.emit('x', 2);
      for (const task of tasks) yield* s.wait(task);
      expect(seen).toEqual(['a1', 'b2']);
      events[Symbol.dispose]();
    }),
  );

  test(
    'as a resource listens no longer, and drops what nobody has taken',
    program(s, function* () {
      const emitter = new EventEmitter();
      const left = (() => {
        using events = on(emitter, 'x');
        emitter.emit('x');
        expect([events.size, String(events)]).toEqual([1, '<EventIterator size=1>']);
        return events;
      })();
      expect([left.size, listeners(emitter)]).toEqual([0, 0]);
      yield* iterations(s, 1);
    }),
  );
});

describe('on, in a `for await`', () => {
  test('listens no longer after a break, an error, and a cancellation of either kind', async () => {
    const emitter = new EventEmitter();
    const loopOver = (body: () => PromiseLike<unknown> | 'break') => async () => {
      for await (const _ of on(emitter, 'x')) {
        const done = body();
        if (done === 'break') break;
        await done;
      }
    };
    const cancelledIn = async (main: () => Promise<void>) => {
      const task = createTask(main);
      await sleep(1);
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
    };
    await runVirtually(async () => {
      const ticking = createTask(async () => {
        for (;;) {
          await sleep(0.1);
          emitter.emit('x');
        }
      });
      await loopOver(() => 'break')();
      expect(listeners(emitter)).toBe(0);
      await expect(loopOver(() => Promise.reject(new Error('no')))()).rejects.toThrow('no');
      expect(listeners(emitter)).toBe(0);
      await cancelledIn(loopOver(() => sleep(60)));
      expect(listeners(emitter)).toBe(0);
      await cancelledIn(loopOver(() => sleep(0)));
      expect(listeners(emitter)).toBe(0);
      ticking.cancel();
    });
  });

  test('of something else is a TypeError', () => {
    expect(thrownBy(() => on('x' as never, 'x'))).toMatchObject({ name: 'TypeError', code: 'NOT_AN_EVENT_SOURCE' });
  });
});
