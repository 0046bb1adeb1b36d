import {
  CancelledError,
  createTask,
  gather,
  getRunningLoop,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  sleep,
  ValueError,
} from 'asyncio-ts';
import { equal, throws } from '../lib/expect.ts';
import { runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, program } = subject('queues');

program('a consumer waits for a producer, and a producer for room', function* (s) {
  const queue = new Queue<number>(2);
  const trace: string[] = [];
  const produce = s.fn(function* () {
    for (let i = 0; i < 5; i++) {
      yield* s.wait(queue.put(i));
      trace.push(`put ${i}`);
    }
  });
  const consume = s.fn(function* () {
    const items: number[] = [];
    for (let i = 0; i < 5; i++) {
      items.push(yield* s.wait(queue.get()));
      yield* s.wait(sleep(1));
    }
    return items;
  });
  const consumer = createTask(consume);
  yield* s.wait(sleep(1));
  const producer = createTask(produce);
  equal(yield* s.wait(consumer), [0, 1, 2, 3, 4]);
  yield* s.wait(producer);
  equal([trace.length, queue.empty(), getRunningLoop().time()], [5, true, 6]);
});

check('the calls that do not wait throw when they would have to wait', async () => {
  const queue = new Queue<number>(1);
  throws(() => queue.getNowait(), QueueEmpty);
  queue.putNowait(1);
  equal([queue.qsize(), queue.full(), queue.empty(), queue.maxsize], [1, true, false, 1]);
  throws(() => queue.putNowait(2), QueueFull);
  equal(queue.getNowait(), 1);
});

check('items come first in first out, last in first out, or smallest first', async () => {
  for (const [queue, expected] of [
    [new Queue<number>(), [2, 1, 3]],
    [new LifoQueue<number>(), [3, 1, 2]],
    [new PriorityQueue<number>(), [1, 2, 3]],
    [new PriorityQueue<number>(0, { compare: (a, b) => b - a }), [3, 2, 1]],
  ] as const) {
    for (const item of [2, 1, 3]) queue.putNowait(item);
    equal(
      [1, 2, 3].map(() => queue.getNowait()),
      expected,
    );
  }
});

program('an item goes to another task when the task that waited for it is cancelled', function* (s) {
  const queue = new Queue<string>();
  const [first, second] = [createTask(() => queue.get()), createTask(() => queue.get())];
  yield* s.wait(sleep(1));
  queue.putNowait('item');
  first.cancel();
  yield* s.fails(first, CancelledError);
  equal(yield* s.wait(second), 'item');
});

program('join waits until all is done', function* (s) {
  const queue = new Queue<number>();
  for (const item of [1, 2, 3]) queue.putNowait(item);
  const worker = s.fn(function* () {
    for (;;) {
      yield* s.wait(sleep(yield* s.wait(queue.get())));
      queue.taskDone();
    }
  });
  const workers = [createTask(worker), createTask(worker)];
  yield* s.wait(queue.join());
  equal(getRunningLoop().time(), 4);
  throws(() => queue.taskDone(), ValueError);
  for (const task of workers) task.cancel();
  yield* s.wait(gather(workers, { returnExceptions: true }));
});

program('a queue that is shut down takes nothing more, and is emptied', function* (s) {
  const queue = new Queue<number>();
  queue.putNowait(1);
  queue.shutdown();
  yield* s.fails(queue.put(2), QueueShutDown);
  equal(yield* s.wait(queue.get()), 1);
  yield* s.fails(queue.get(), QueueShutDown);
  const other = new Queue<number>();
  const waiting = createTask(() => other.get());
  yield* s.wait(sleep(1));
  other.shutdown({ immediate: true });
  yield* s.fails(waiting, QueueShutDown);
});

check('a queue can be iterated until it is shut down', async () => {
  await runVirtually(async () => {
    const queue = new Queue<number>();
    const items: number[] = [];
    const consumer = createTask(async () => {
      for await (const item of queue) items.push(item);
      return 'over';
    });
    for (const item of [1, 2, 3]) await queue.put(item);
    await sleep(1);
    queue.shutdown();
    equal([await consumer, items], ['over', [1, 2, 3]]);
  });
});
