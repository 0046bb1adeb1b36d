import { EventEmitter } from 'node:events';
import {
  allTasks,
  CancelledError,
  createTask,
  currentTask,
  forEach,
  iterate,
  mapConcurrent,
  on,
  pipeTo,
  produce,
  sleep,
  taskGroup,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, names, program } from '../../support/programs.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';
import { listeners } from './support.ts';

/** What a scenario has opened and must have closed, and its coroutine function. */
interface Scenario {
  readonly open: Set<string>;
  readonly main: () => unknown;
}

/** An async generator, or a producer, that is open while it is in the set. */
function resource(s: Spelling, open: Set<string>, kind: 'generator' | 'producer') {
  const enter = () => open.add(kind);
  const leave = () => open.delete(kind);
  if (kind === 'producer') {
    return produce<number>(
      s.fn(function* (put) {
        enter();
        try {
          for (let i = 0; i < 4; i++) {
            yield* s.wait(sleep(0));
            yield* s.wait(put(i));
          }
        } finally {
          try {
            yield* s.wait(sleep(0)); // a cancellation may come here too
          } finally {
            leave();
          }
        }
      }),
    );
  }
  return (async function* () {
    enter();
    try {
      for (let i = 0; i < 4; i++) {
        await (i % 2 === 0 ? sleep(0) : null);
        yield i;
      }
    } finally {
      try {
        await sleep(0);
      } finally {
        leave();
      }
    }
  })();
}

/** Work on an item that is open while it runs, and takes its time to clean up. */
function work(s: Spelling, open: Set<string>) {
  return s.fn(function* (n: number) {
    open.add(`work ${n}`);
    try {
      yield* iterations(s, 1 + (n % 3));
    } finally {
      try {
        yield* s.wait(sleep(0));
      } finally {
        open.delete(`work ${n}`);
      }
    }
    return n;
  });
}

const scenarios: Record<string, (s: Spelling) => Scenario> = {};
for (const kind of ['generator', 'producer'] as const) {
  const scenario = (name: string, use: (s: Spelling, items: AsyncIterable<number>, open: Set<string>) => unknown) => {
    scenarios[`${name} over a ${kind}`] = (s) => {
      const open = new Set<string>();
      const main = s.fn(function* () {
        yield* s.wait(use(s, resource(s, open, kind), open));
      });
      return { open, main };
    };
  };
  scenario('forEach', (s, items, open) => forEach(items, work(s, open)));
  scenario('forEach in an iteration', (s, items, open) => forEach(iterate(items), work(s, open)));
  scenario('mapConcurrent', (s, items, open) => mapConcurrent(items, work(s, open), { limit: 2 }));
  scenario('an iterated mapConcurrent', (s, items, open) =>
    forEach(mapConcurrent(items, work(s, open), { limit: 2, ordered: false }), work(s, open)),
  );
  scenario('pipeTo', (_, items, open) => {
    open.add('stream');
    const closed = () => void open.delete('stream');
    return pipeTo(items, new WritableStream({ close: closed, abort: closed }));
  });
  scenario('a group with a limit', (s, items, open) => {
    const body = s.fn(function* (group) {
      const start = s.fn(function* (n: number) {
        group.createTask(
          s.fn(function* () {
            yield* s.wait(callFor(s, work(s, open), n));
          }),
        );
      });
      yield* s.wait(forEach(items, start));
    }) as Parameters<typeof taskGroup>[0];
    return taskGroup(body, { limit: 2 });
  });
}

/** Runs a function for an item as a coroutine of the present task. */
function callFor(s: Spelling, fn: ReturnType<typeof work>, n: number) {
  return forEach(
    [n],
    s.fn(function* (item: number) {
      yield* s.wait(forEach([item], fn));
    }),
  );
}

describeBoth('cancelled after any number of iterations', (s) => {
  test.each(Object.entries(scenarios))('%s closes everything that it has opened, and leaves no task', (_, make) =>
    program(s, function* () {
      let cancelled = 0;
      for (let after = 1; after < 60; after++) {
        const { open, main } = make(s);
        const task = createTask(main as () => Promise<void>);
        yield* iterations(s, after);
        const isEarly = task.cancel();
        const error = isEarly ? yield* failure(s, task) : null;
        if (isEarly) expect(error).toBeInstanceOf(CancelledError);
        else task.result();
        if (isEarly) cancelled++;
        expect([after, ...open]).toEqual([after]);
        expect(names(allTasks())).toEqual([currentTask()!.getName()]);
      }
      expect(cancelled).toBeGreaterThan(4);
    })(),
  );

  test(
    'events are listened to no longer',
    program(s, function* () {
      for (let after = 1; after < 20; after++) {
        const emitter = new EventEmitter();
        const task = createTask(
          s.fn(function* () {
            yield* s.wait(forEach(on(emitter, 'x'), work(s, new Set()) as never));
          }),
        );
        for (let i = 0; i < after; i++) {
          emitter.emit('x', i);
          yield* iterations(s, 1);
        }
        task.cancel();
        yield* failure(s, task);
        expect(listeners(emitter)).toBe(0);
      }
    }),
  );
});
