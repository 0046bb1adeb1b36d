import { EventEmitter } from 'node:events';
import {
  BoundedSemaphore,
  Condition,
  createTask,
  Event,
  Future,
  getRunningLoop,
  LifoQueue,
  Lock,
  newEventLoop,
  PriorityQueue,
  Queue,
  Semaphore,
  sleep,
  TaskGroup,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, test, vi } from 'vitest';
import { inherits } from '../../../src/internal/methods.ts';
import { failure, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('a method that programs of Python pass on', (s) => {
  test(
    'keeps its object as a callback: set and clear of an event',
    program(s, function* () {
      const event = new Event();
      const { clear } = event;
      getRunningLoop().callLater(1, event.set);
      yield* s.wait(event.wait());
      expect(event.isSet()).toBe(true);
      clear();
      expect(event.isSet()).toBe(false);
    }),
  );

  test(
    'keeps its object as a callback: putNowait of each kind of queue',
    program(s, function* () {
      for (const queue of [new Queue<number>(), new LifoQueue<number>(), new PriorityQueue<number>()]) {
        getRunningLoop().callSoonThreadsafe(queue.putNowait, 7);
        expect(yield* s.wait(queue.get())).toBe(7);
        [1, 2, 3].forEach(queue.putNowait); // what else it is given does no harm
        expect(queue.qsize()).toBe(3);
      }
    }),
  );

  test(
    'keeps its object as a callback: cancel of a task',
    program(s, function* () {
      const task = createTask(sleep(60));
      getRunningLoop().callLater(1, task.cancel, 'enough');
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError', message: 'enough' });
    }),
  );

  test('keeps its object as a callback: stop of a loop', async () => {
    const loop = newEventLoop({ host: new VirtualHost() });
    loop.callLater(1, loop.stop);
    await loop.runForever();
    expect(loop.time()).toBe(1);
    loop.close();
  });

  test('keeps its object as a listener, which has another one', () => {
    const stop = new Event();
    const target = new EventTarget();
    target.addEventListener('stop', stop.set as () => void);
    target.dispatchEvent(new globalThis.Event('stop'));
    expect(stop.isSet()).toBe(true);
  });
});

describe('a method that is bound when it is read', () => {
  class Loud extends Event {
    readonly heard: string[] = [];

    override set(): void {
      this.heard.push('set');
      super.set();
    }
  }

  test('can be overridden, and called by the method that overrides it', () => {
    const event = new Loud();
    event.set();
    expect([event.heard, event.isSet()]).toEqual([['set'], true]);
  });

  test('can be called on another object, replaced and spied on', () => {
    const event = new Event();
    Event.prototype.set.call(event);
    expect(event.isSet()).toBe(true);
    class Quiet extends Event {}
    const other = new Quiet();
    Quiet.prototype.set.call(other);
    expect(other.isSet()).toBe(true);
    const replaced = vi.fn();
    event.clear = replaced;
    event.clear();
    expect(replaced).toHaveBeenCalledOnce();
    const queue = new Queue<number>();
    const spy = vi.spyOn(queue, 'putNowait');
    queue.putNowait(1);
    expect([spy.mock.calls, queue.qsize()]).toEqual([[[1]], 1]);
    expect(Object.keys(new Event())).toEqual([]);
  });

  test('is one function for each object, so that what was registered can be removed', () => {
    const [stop, other] = [new Event(), new Event()];
    const target = new EventEmitter();
    target.on('stop', stop.set);
    other.set(); // calls in between are no matter
    stop.set();
    stop.clear();
    other.clear();
    expect(target.listeners('stop')).toEqual([stop.set]);
    target.off('stop', stop.set);
    target.emit('stop');
    expect(stop.isSet()).toBe(false);
    const read = [stop.set, stop.clear, other.set, stop.set, stop.clear, other.set];
    expect(new Set(read).size).toBe(3);
    for (const [index, method] of read.slice(0, 3).entries()) expect(read[index + 3]).toBe(method);
    expect(read[0]).toBe(stop.set);
  });

  test('is one function also when it is read again at once, or while it is called', () => {
    const queue = new Queue<unknown>();
    expect(queue.putNowait).toBe(queue.putNowait);
    const other = new Queue<unknown>();
    other.putNowait(other.putNowait); // the reads of one call and its argument
    expect(other.getNowait()).toBe(other.putNowait);
    const loop = newEventLoop({ host: new VirtualHost() });
    const { stop } = loop;
    expect(loop.stop).toBe(stop);
    loop.close();
  });

  test('is one function also after it was called as a listener, and its object and others as usual', () => {
    const loop = newEventLoop({ host: new VirtualHost() });
    const tasks = [1, 2, 3].map(() => loop.createTask(async () => {}));
    const target = new EventEmitter();
    for (const task of tasks) target.on('stop', task.cancel);
    target.emit('stop');
    target.emit('stop');
    for (const task of tasks) {
      task.cancel();
      task.cancel('again');
    }
    expect(target.listeners('stop')).toEqual(tasks.map((task) => task.cancel));
    for (const task of tasks) target.off('stop', task.cancel);
    expect(target.listenerCount('stop')).toBe(0);
    loop.runOnce();
    loop.close();
  });

  test('is still told from that of a subclass', () => {
    expect(inherits(new Event(), 'set', Event.prototype)).toBe(true);
    expect(inherits(new Loud(), 'set', Event.prototype)).toBe(false);
    expect(inherits(new Loud(), 'nothing', Event.prototype)).toBe(false);
  });

  test('of a subclass is what put() calls', async () => {
    const seen: number[] = [];
    class Counting extends Queue<number> {
      override putNowait(item: number): void {
        seen.push(item);
        super.putNowait(item);
      }
    }
    const queue = new Counting();
    await queue.put(1);
    expect([seen, queue.qsize()]).toEqual([[1], 1]);
  });
});

describe('another method that has lost its object', () => {
  const loop = newEventLoop({ host: new VirtualHost() });
  const METHODS: Readonly<Record<string, () => (...args: never[]) => unknown>> = {
    'Lock.release': () => new Lock().release,
    'Semaphore.release': () => new Semaphore().release,
    'BoundedSemaphore.release': () => new BoundedSemaphore().release,
    'Condition.release': () => new Condition().release,
    'Condition.notify': () => new Condition().notify,
    'Condition.notifyAll': () => new Condition().notifyAll,
    'Queue.getNowait': () => new Queue().getNowait,
    'Queue.taskDone': () => new Queue().taskDone,
    'Queue.shutdown': () => new Queue().shutdown,
    'Future.setResult': () => loop.createFuture().setResult,
    'Future.setException': () => loop.createFuture().setException,
    'Future.cancel': () => new Future({ loop }).cancel,
    'Handle.cancel': () => loop.callSoon(() => {}).cancel,
    'TaskGroup.cancel': () => new TaskGroup().cancel,
  };
  test.each(Object.entries(METHODS))('says what to write: %s', (name, read) => {
    const method = read();
    for (const self of [undefined, {}, process]) {
      const error = thrownBy(() => method.call(self as never)) as TypeError & { code: string };
      expect(error).toBeInstanceOf(TypeError);
      expect([error.code, error.message]).toEqual(['UNBOUND_METHOD', expect.stringContaining(`${name} was called`)]);
      expect(error.message).toMatch(/write \(\) => \w+\.\w+\(\), or/);
    }
  });
});
