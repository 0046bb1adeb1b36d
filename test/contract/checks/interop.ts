import {
  forEach,
  getRunningLoop,
  iterate,
  mapConcurrent,
  on,
  once,
  type Put,
  pipeTo,
  produce,
  Queue,
  readableSource,
  sleep,
  type TaskGroup,
  TimeoutError,
  taskGroup,
  timeout,
} from 'asyncio-ts';
import { equal } from '../lib/expect.ts';
import { subject } from '../lib/registry.ts';

const { program } = subject('interop');

program('once gives the next event, and on gives them all until one that ends it', function* (s) {
  const target = new EventTarget();
  const loop = getRunningLoop();
  loop.callLater(1, () => target.dispatchEvent(new Event('ready')));
  equal((yield* s.wait(once<Event>(target, 'ready'))).type, 'ready');
  for (const type of ['item', 'item', 'end']) loop.callLater(1, () => target.dispatchEvent(new Event(type)));
  let items = 0;
  const count = s.fn(function* () {
    items++;
  });
  yield* s.wait(forEach(on(target, 'item', { close: ['end'] }), count));
  equal(items, 2);
});

program('an async generator is cancelled where it waits, and its clean-up is waited for', function* (s) {
  const notes: string[] = [];
  const ticks = async function* () {
    try {
      for (let i = 0; ; i++) {
        await sleep(1);
        yield i;
      }
    } finally {
      notes.push('closed');
    }
  };
  const note = s.fn(function* (tick: number) {
    notes.push(`tick ${tick}`);
  });
  const body = s.fn(function* () {
    yield* s.wait(forEach(ticks(), note));
  });
  yield* s.fails(timeout(2.5, body), TimeoutError);
  equal(notes, ['tick 0', 'tick 1', 'closed']);
});

program('an iterator that waits for a foreign promise is left behind, and returned', function* (s) {
  const notes: string[] = [];
  const stuck = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<IteratorResult<number>>(() => {}),
      return: async () => {
        notes.push('return');
        return { done: true as const, value: undefined };
      },
    }),
  };
  const body = s.fn(function* () {
    yield* s.wait(iterate(stuck).next());
  });
  yield* s.fails(timeout(1, body), TimeoutError);
  equal(notes, ['return']);
});

program('a producer is closed with its consumer', function* (s) {
  const notes: string[] = [];
  const body = s.fn(function* (put: Put<number>) {
    try {
      for (let i = 0; ; i++) yield* s.wait(put(i));
    } finally {
      notes.push('closed');
    }
  });
  const items = produce(body);
  for (let i = 0; i < 3; i++) equal((yield* s.wait(items.next())).value, i);
  yield* s.wait(items.return());
  equal(notes, ['closed']);
});

program('chunks go from a queue through web streams', function* (s) {
  const queue = new Queue<number>(1);
  const chunks: number[] = [];
  const put = s.fn(function* (group: TaskGroup) {
    const stream = new ReadableStream(readableSource(queue));
    group.createTask(
      pipeTo(iterate(stream), new WritableStream({ write: (chunk: number) => void chunks.push(chunk) })),
    );
    for (let i = 0; i < 5; i++) yield* s.wait(queue.put(i));
    queue.shutdown();
  });
  yield* s.wait(taskGroup(put));
  equal(chunks, [0, 1, 2, 3, 4]);
});

program('mapConcurrent and a group with a limit run at most that many at a time', function* (s) {
  let running = 0;
  let most = 0;
  const work = s.fn(function* (n: number) {
    most = Math.max(most, ++running);
    yield* s.wait(sleep(n));
    running--;
    return n * 2;
  });
  equal(yield* s.wait(mapConcurrent([3, 1, 2], work, { limit: 2 })), [6, 2, 4]);
  equal(most, 2);
  const body = s.fn(function* (group: TaskGroup) {
    most = 0;
    for (let i = 0; i < 6; i++) {
      group.createTask(
        s.fn(function* () {
          most = Math.max(most, ++running);
          yield* s.wait(sleep(1));
          running--;
        }),
      );
    }
  });
  yield* s.wait(taskGroup(body, { limit: 3 }));
  equal(most, 3);
});
