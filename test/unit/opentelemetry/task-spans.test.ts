import { context, type Tracer, trace } from '@opentelemetry/api';
import { createTask, gather, logger, sleep, type TaskGroup, taskGroup, timeout } from 'asyncio-ts';
import { inSpan, startTaskSpans } from 'asyncio-ts/opentelemetry';
import { describe, expect, it, vi } from 'vitest';
import { describeBoth, runVirtually } from '../../support/spellings.ts';
import { spanCalled, told, useOpenTelemetry } from './support.ts';

describeBoth('spans of tasks', (s) => {
  useOpenTelemetry();

  it('belong to tasks with names, below the span that was active where the task was made', async () => {
    const stop = startTaskSpans();
    const leaf = s.fn(function* () {
      yield* s.wait(sleep(1));
    });
    const inner = s.fn(function* () {
      yield* s.wait(gather(createTask(leaf, { name: 'leaf' }), createTask(leaf)));
    });
    const main = s.fn(function* () {
      yield* s.wait(createTask(inner, { name: 'inner' }));
    });
    await runVirtually(main);
    stop();
    expect(told()).toEqual(['leaf < inner ~ inner', 'inner']);
    expect(spanCalled('leaf').links[0]!.attributes).toEqual({ 'asyncio.link': 'spawn' });
    expect(spanCalled('leaf').attributes).toMatchObject({ 'asyncio.task.name': 'leaf', 'asyncio.task.state': 'done' });
  });

  it('tell errors and cancellations apart', async () => {
    const stop = startTaskSpans();
    const fails = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw new Error('disk full');
    });
    const waits = s.fn(function* () {
      yield* s.wait(sleep(100));
    });
    const main = s.fn(function* () {
      const failing = createTask(fails, { name: 'failing' });
      const waiting = createTask(waits, { name: 'waiting' });
      try {
        yield* s.wait(failing);
      } catch {}
      waiting.cancel('enough');
      try {
        yield* s.wait(waiting);
      } catch {}
    });
    await runVirtually(main);
    stop();
    expect(told()).toContain('failing ! disk full + exception');
    expect(told()).toContain('waiting + cancel requested + cancellation delivered');
    expect(spanCalled('waiting').attributes['asyncio.task.state']).toBe('cancelled');
    expect(spanCalled('waiting').events[0]!.attributes).toMatchObject({ 'asyncio.cancel_message': 'enough' });
  });

  it('describe what was thrown and what was given to cancel(), where it is no text', async () => {
    const stop = startTaskSpans();
    const fails = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw Object.assign(Object.create(null), { code: 7 });
    });
    const main = s.fn(function* () {
      const waiting = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(100));
        }),
        { name: 'waiting' },
      );
      try {
        yield* s.wait(createTask(fails, { name: 'failing' }));
      } catch {}
      waiting.cancel({ msg: { code: 8 } });
      try {
        yield* s.wait(waiting);
      } catch {}
    });
    await runVirtually(main);
    stop();
    expect(told()).toContain('failing ! <object> + exception');
    expect(spanCalled('waiting').events[0]!.attributes).toMatchObject({ 'asyncio.cancel_message': '<Object object>' });
  });

  it('are children of the spans of scopes, which end when the scope does', async () => {
    const stop = startTaskSpans();
    const leaf = s.fn(function* () {
      yield* s.wait(sleep(1));
    });
    const scope = s.fn(function* () {
      const task = createTask(leaf, { name: 'leaf' });
      yield* s.wait(sleep(2));
      yield* s.wait(task);
      return 7;
    });
    const main = s.fn(function* () {
      const result = yield* s.wait(inSpan('scope', scope));
      expect(trace.getSpan(context.active())?.spanContext().spanId).toBe(undefined);
      return result;
    });
    expect((await runVirtually(main)).result).toBe(7);
    stop();
    expect(told()).toEqual(['leaf < scope', 'scope']);
  });

  it('are made for timeouts and groups by inSpan(), as parents of the tasks inside', async () => {
    const stop = startTaskSpans();
    const leaf = s.fn(function* () {
      yield* s.wait(sleep(1));
    });
    const limited = s.fn(function* () {
      yield* s.wait(createTask(leaf, { name: 'inner' }));
      yield* s.wait(sleep(100));
    });
    const grouped = s.fn(function* (group: TaskGroup) {
      group.createTask(leaf, { name: 'member' });
      yield* s.wait(sleep(0));
    });
    const main = s.fn(function* () {
      try {
        yield* s.wait(inSpan('limit', () => timeout(5, limited)));
      } catch {}
      yield* s.wait(inSpan('group', () => taskGroup(grouped)));
      expect(trace.getSpan(context.active())).toBe(undefined);
    });
    await runVirtually(main);
    stop();
    expect(told()).toEqual(['inner < limit', 'limit ! timed out after 5 s + exception', 'member < group', 'group']);
  });

  it('record how a scope ends: with an error, or by a cancellation', async () => {
    const fails = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw new TypeError('wrong');
    });
    const waits = s.fn(function* () {
      yield* s.wait(sleep(100));
    });
    const main = s.fn(function* () {
      try {
        yield* s.wait(inSpan('fails', fails));
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
      }
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(inSpan('waits', waits));
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      try {
        yield* s.wait(task);
      } catch {}
    });
    await runVirtually(main);
    expect(told()).toEqual(['fails ! wrong + exception', 'waits + cancelled']);
  });
});

describe('spans of tasks', () => {
  useOpenTelemetry();

  it('keep the timeouts of branches under Promise.all apart', async () => {
    const stop = startTaskSpans();
    await runVirtually(async () => {
      const branch = (name: string, seconds: number) =>
        inSpan(name, () =>
          timeout(5, async () => {
            await sleep(seconds);
            await createTask(async () => await sleep(1), { name: `${name}.task` });
          }),
        );
      await Promise.all([branch('a', 1), branch('b', 2)]);
    });
    stop();
    expect(told().sort()).toEqual(['a', 'a.task < a', 'b', 'b.task < b']);
  });

  it('keep branches under Promise.all apart', async () => {
    await runVirtually(async () => {
      const branch = (name: string) =>
        inSpan(name, async () => {
          await sleep(1);
          await inSpan(`${name}.inner`, async () => await sleep(1));
        });
      await Promise.all([branch('a'), branch('b')]);
    });
    expect(told().sort()).toEqual(['a', 'a.inner < a', 'b', 'b.inner < b']);
  });

  it('are made for all tasks, or for those that a function chooses', async () => {
    let stop = startTaskSpans({ tasks: 'all' });
    await runVirtually(async () => await createTask(async () => {}));
    stop();
    expect(told().length).toBeGreaterThanOrEqual(2);
    stop = startTaskSpans({ tasks: (task) => task.getName() === 'chosen' });
    const before = told().length;
    await runVirtually(async () => {
      await createTask(async () => {}, { name: 'chosen' });
      await createTask(async () => {}, { name: 'other' });
    });
    stop();
    expect(told().slice(before)).toEqual(['chosen']);
  });

  it('end with a synchronous function, and with its error', () => {
    expect(inSpan('plain', () => 3)).toBe(3);
    expect(() =>
      inSpan('throws', () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(told()).toEqual(['plain', 'throws ! no + exception']);
  });

  it('refuse wrong options with what is right', () => {
    expect(() => startTaskSpans({ task: 'all' } as never)).toThrow(/there is no option 'task'.*tasks/);
    expect(() => startTaskSpans({ tasks: 'some' as never })).toThrow("tasks must be 'named', 'all' or a function");
  });

  it('end when the tracer throws, which is reported, and the program goes on', async () => {
    const error = vi.spyOn(logger, 'error').mockImplementation(() => {});
    const tracer = {
      startSpan() {
        throw new Error('exporter gone');
      },
    } as unknown as Tracer;
    const stop = startTaskSpans({ tracer });
    const { result } = await runVirtually(async () => await createTask(async () => 5, { name: 'five' }));
    stop();
    expect(result).toBe(5);
    expect(error.mock.calls[0]![0]).toContain('taskSpawned() threw');
    error.mockRestore();
  });
});
