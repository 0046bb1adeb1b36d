import { EventEmitter } from 'node:events';
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { coroutine, createTask, run, sleep, taskGroup, timeout } from 'asyncio-ts';
import { AsyncioContextManager } from 'asyncio-ts/opentelemetry';
import { describe, expect, it } from 'vitest';
import { describeBoth, runVirtually } from '../../support/spellings.ts';
import { useOpenTelemetry } from './support.ts';

const KEY = createContextKey('who');
const who = (): unknown => context.active().getValue(KEY) ?? 'nobody';
const as = (name: string) => ROOT_CONTEXT.setValue(KEY, name);

describeBoth('the context manager', (s) => {
  useOpenTelemetry();

  it('keeps the context across waits, and gives the old one back', async () => {
    const seen: unknown[] = [];
    const inner = s.fn(function* () {
      seen.push(who());
      yield* s.wait(sleep(1));
      seen.push(who());
    });
    const main = s.fn(function* () {
      yield* s.wait(context.with(as('ada'), inner));
      seen.push(who());
      yield* s.wait(sleep(1));
      seen.push(who());
    });
    await runVirtually(main);
    expect(seen).toEqual(['ada', 'ada', 'nobody', 'nobody']);
  });

  it('keeps the context in what a function returns that can be awaited: a timeout, a group, a sleep', async () => {
    const seen: unknown[] = [];
    const inner = s.fn(function* () {
      yield* s.wait(sleep(1));
      seen.push(who());
      return 7;
    });
    const main = s.fn(function* () {
      seen.push(yield* s.wait(context.with(as('ada'), () => timeout(5, inner))));
      seen.push(yield* s.wait(context.with(as('bob'), () => taskGroup(inner))));
      seen.push(yield* s.wait(context.with(as('eve'), () => sleep(1, 8))));
      seen.push(who());
    });
    await runVirtually(main);
    expect(seen).toEqual(['ada', 7, 'bob', 7, 8, 'nobody']);
  });

  it('nests', async () => {
    const seen: unknown[] = [];
    const inner = s.fn(function* () {
      yield* s.wait(sleep(1));
      seen.push(who());
    });
    const outer = s.fn(function* () {
      yield* s.wait(sleep(1));
      yield* s.wait(context.with(as('bob'), inner));
      seen.push(who());
    });
    const main = s.fn(function* () {
      yield* s.wait(context.with(as('ada'), outer));
      seen.push(who());
    });
    await runVirtually(main);
    expect(seen).toEqual(['bob', 'ada', 'nobody']);
  });

  it('hands the context to tasks, and to what timeouts and groups run', async () => {
    const seen: string[] = [];
    const note = (where: string) =>
      s.fn(function* () {
        yield* s.wait(sleep(1));
        seen.push(`${where}: ${who()}`);
      });
    const inner = s.fn(function* () {
      const task = createTask(note('task'));
      yield* s.wait(timeout(5, note('timeout')));
      yield* s.wait(task);
      yield* s.wait(
        taskGroup(
          s.fn(function* (group: { createTask(f: unknown): unknown }) {
            group.createTask(note('group'));
            yield* s.wait(sleep(0));
          }) as never,
        ),
      );
    });
    const main = s.fn(function* () {
      yield* s.wait(context.with(as('ada'), inner));
    });
    await runVirtually(main);
    expect(seen.sort()).toEqual(['group: ada', 'task: ada', 'timeout: ada']);
  });

  it('gives the old context back after an error and after a cancellation', async () => {
    const seen: unknown[] = [];
    const fails = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw new Error('no');
    });
    const waits = s.fn(function* () {
      try {
        yield* s.wait(sleep(100));
      } finally {
        seen.push(`cleans up as ${who()}`);
      }
    });
    const main = s.fn(function* () {
      try {
        yield* s.wait(context.with(as('ada'), fails));
      } catch {
        seen.push(who());
      }
      try {
        yield* s.wait(
          timeout(
            1,
            s.fn(function* () {
              yield* s.wait(context.with(as('bob'), waits));
            }),
          ),
        );
      } catch (error) {
        seen.push((error as Error).name, who());
      }
    });
    await runVirtually(main);
    expect(seen).toEqual(['nobody', 'cleans up as bob', 'TimeoutError', 'nobody']);
  });

  it('runs a coroutine object with the context', async () => {
    const body = coroutine(function* () {
      yield* sleep(1);
      return who();
    });
    const main = s.fn(function* () {
      return [yield* s.wait(context.with(as('ada'), () => body())), who()];
    });
    expect((await runVirtually(main)).result).toEqual(['ada', 'nobody']);
  });
});

describe('the context manager', () => {
  useOpenTelemetry();

  const branch = (name: string) => async () => {
    const seen = [name];
    for (let i = 0; i < 2; i++) {
      seen.push(String(who()));
      await sleep(1);
      seen.push(String(who()));
      await Promise.resolve();
    }
    seen.push(String(await timeout(5, async () => who())));
    return seen.join(' ');
  };

  it('keeps the branches of Promise.all apart, in a first step and in later ones', async () => {
    const { result } = await runVirtually(async () => {
      const all = () =>
        Promise.all([context.with(as('ada'), branch('a')), context.with(as('bob'), branch('b')), branch('c')()]);
      const first = await all();
      await sleep(1);
      return [...first, ...(await all()), who()];
    });
    const expected = ['a ada ada ada ada ada', 'b bob bob bob bob bob', 'c nobody nobody nobody nobody nobody'];
    expect(result).toEqual([...expected, ...expected, 'nobody']);
  });

  it('keeps what a plain function begins apart, too', async () => {
    const { result } = await runVirtually(async () =>
      Promise.all([context.with(as('ada'), () => branch('a')()), context.with(as('bob'), () => branch('b')())]),
    );
    expect(result).toEqual(['a ada ada ada ada ada', 'b bob bob bob bob bob']);
  });

  it('keeps branches apart that await a promise of somebody else first', async () => {
    const foreign = (name: string) => async () => {
      await Promise.resolve();
      return `${name} ${who()}`;
    };
    const { result } = await runVirtually(async () => {
      const all = () => Promise.all([context.with(as('ada'), foreign('a')), context.with(as('bob'), foreign('b'))]);
      const first = await all();
      await Promise.resolve();
      return [...first, who(), ...(await all()), who()];
    });
    expect(result).toEqual(['a ada', 'b bob', 'nobody', 'a ada', 'b bob', 'nobody']);
  });

  it('works outside any task', async () => {
    const outside = async () => {
      const seen = [who()];
      await Promise.resolve();
      seen.push(who());
      return seen;
    };
    expect(await Promise.all([context.with(as('ada'), outside), context.with(as('bob'), outside)])).toEqual([
      ['ada', 'ada'],
      ['bob', 'bob'],
    ]);
    expect(who()).toBe('nobody');
  });

  it('binds functions, with their `this` and their arguments', () => {
    const bound = context.bind(as('ada'), function (this: unknown, a: number, b: number) {
      return [this, a + b, who()];
    });
    const self = {};
    expect(bound.call(self, 1, 2)).toEqual([self, 3, 'ada']);
    expect(bound).toHaveLength(2);
  });

  it('binds emitters: listeners that are added later run with the context, once listeners once, and can be removed', () => {
    const seen: unknown[] = [];
    const emitter = new EventEmitter();
    emitter.on('event', () => seen.push(`before ${who()}`));
    expect(context.bind(as('ada'), emitter)).toBe(emitter);
    const listener = () => seen.push(`on ${who()}`);
    emitter.on('event', listener);
    emitter.once('event', () => seen.push(`once ${who()}`));
    emitter.emit('event');
    emitter.emit('event');
    emitter.off('event', listener);
    emitter.emit('event');
    expect(seen).toEqual(['before nobody', 'on ada', 'once ada', 'before nobody', 'on ada', 'before nobody']);
  });

  it('returns what it cannot bind unchanged', () => {
    const value = { a: 1 };
    expect(context.bind(as('ada'), value)).toBe(value);
    expect(context.bind(as('ada'), null)).toBe(null);
  });

  it('gives the root context and calls plainly while it is not enabled', async () => {
    const manager = new AsyncioContextManager();
    expect(manager.active()).toBe(ROOT_CONTEXT);
    expect(manager.with(as('ada'), () => manager.active())).toBe(ROOT_CONTEXT);
    manager.enable();
    expect(await run(async () => manager.with(as('ada'), async () => manager.active().getValue(KEY)))).toBe('ada');
    manager.disable();
    expect(manager.active()).toBe(ROOT_CONTEXT);
  });
});
