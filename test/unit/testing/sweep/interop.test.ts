import { EventEmitter } from 'node:events';
import {
  forEach,
  iterate,
  mapConcurrent,
  on,
  once,
  type Put,
  pipeTo,
  produce,
  sleep,
  taskGroup,
  writing,
} from 'asyncio-ts';
import { type SweepReport, sweep } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth } from '../../../support/spellings.ts';
import { listeners } from '../../interop/support.ts';
import { many } from './support.ts';

interface Sources {
  /** Bodies and sources that were begun and not ended. */
  open: number;
  readonly seen: unknown[];
  readonly emitter: EventEmitter;
}

describeBoth('whichever await is cancelled, sources and bodies are ended', (s) => {
  async function swept(
    least: number,
    program: (sources: Sources) => Generator<unknown, unknown, unknown>,
    check?: (sources: Sources) => void,
  ): Promise<SweepReport> {
    const report = await sweep(s.fn(program), {
      setup: (): Sources => ({ open: 0, seen: [], emitter: new EventEmitter() }),
      check: (sources) => {
        expect(sources.open).toBe(0);
        expect(listeners(sources.emitter)).toBe(0);
        check?.(sources);
      },
    });
    many(report, least);
    return report;
  }

  /** A body that takes a second, and another one to clean up when it is cancelled. */
  const body = (sources: Sources) =>
    s.fn(function* (item: number) {
      sources.open++;
      let isComplete = false;
      try {
        yield* s.wait(sleep(1));
        isComplete = true;
        sources.seen.push(item);
        return item;
      } finally {
        try {
          if (!isComplete) yield* s.wait(sleep(1));
        } finally {
          sources.open--;
        }
      }
    });

  /** An async generator that awaits something of the library, and cleans up. */
  async function* numbers(sources: Sources, count: number): AsyncGenerator<number> {
    sources.open++;
    try {
      for (let i = 0; i < count; i++) {
        await sleep(0.5);
        yield i;
      }
    } finally {
      sources.open--;
    }
  }

  test('mapConcurrent(), for all results', async () => {
    await swept(30, function* (sources) {
      yield* s.wait(mapConcurrent([1, 2, 3, 4], body(sources), { limit: 2 }));
      yield* s.wait(mapConcurrent(numbers(sources, 3), body(sources), { limit: 2, ordered: false }));
    });
  });

  test('mapConcurrent(), one result after the other', async () => {
    for (const ordered of [true, false]) {
      await swept(20, function* (sources) {
        const results = mapConcurrent(numbers(sources, 4), body(sources), { limit: 2, ordered });
        try {
          for (let next = yield* s.wait(results.next()); next.done !== true; next = yield* s.wait(results.next())) {
            sources.seen.push(next.value);
          }
        } finally {
          yield* s.wait(results.return());
        }
      });
    }
  });

  test('iterate() and forEach() over an async generator', async () => {
    await swept(20, function* (sources) {
      const items = iterate(numbers(sources, 3));
      try {
        for (let next = yield* s.wait(items.next()); next.done !== true; next = yield* s.wait(items.next())) {
          sources.seen.push(next.value);
        }
      } finally {
        yield* s.wait(items.return());
      }
      yield* s.wait(forEach(numbers(sources, 2), body(sources)));
    });
  });

  test('produce(), with and without a buffer, left early and to the end', async () => {
    for (const buffer of [0, 2]) {
      await swept(20, function* (sources) {
        const makes = s.fn(function* (put: Put<number>) {
          sources.open++;
          try {
            for (let i = 0; i < 3; i++) {
              yield* s.wait(sleep(1));
              yield* s.wait(put(i));
            }
          } finally {
            sources.open--;
          }
        });
        for (const most of [1, 9]) {
          const items = produce(makes, { buffer });
          try {
            for (let i = 0; i < most && (yield* s.wait(items.next())).done !== true; i++);
          } finally {
            yield* s.wait(items.return());
          }
        }
      });
    }
  });

  test('on() and once()', async () => {
    await swept(15, function* (sources) {
      const { emitter } = sources;
      const emit = s.fn(function* () {
        try {
          for (let i = 0; i < 3; i++) {
            yield* s.wait(sleep(1));
            emitter.emit('item', i);
          }
        } finally {
          emitter.emit('item', 3);
          emitter.emit('item', 4);
          emitter.emit('end');
        }
      });
      const first = once(emitter, 'end');
      const items = on(emitter, 'item', { close: ['end'] });
      const read = s.fn(function* () {
        yield* s.wait(
          forEach(
            items,
            s.fn(function* (event: unknown[]) {
              sources.seen.push(event[0]);
              yield* s.wait(sleep(0));
            }),
          ),
        );
      });
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            group.createTask(emit);
            group.createTask(read);
            group.createTask(() => first);
            group.createTask(() => once(emitter, 'item'));
          }),
        ),
      );
    });
  });

  test('web streams are aborted or closed, and their locks released', async () => {
    const streams: WritableStream<number>[] = [];
    await swept(
      6,
      function* () {
        const newStream = () => {
          const stream = new WritableStream<number>({ write: () => {} }, { highWaterMark: 1 });
          streams.push(stream);
          return stream;
        };
        yield* s.wait(
          writing(
            newStream(),
            s.fn(function* (writer) {
              yield* s.wait(writer.write(1));
              yield* s.wait(sleep(1));
              yield* s.wait(writer.write(2));
            }),
          ),
        );
        yield* s.wait(pipeTo([1, 2, 3], newStream()));
      },
      () => {
        expect(streams.splice(0).filter(({ locked }) => locked)).toEqual([]);
      },
    );
  });
});
