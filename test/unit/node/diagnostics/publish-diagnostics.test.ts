import { channel } from 'node:diagnostics_channel';
import { createTask, Event, sleep, wait } from 'asyncio-ts';
import { publishDiagnostics } from 'asyncio-ts/node';
import { expect, onTestFinished, test } from 'vitest';
import { hooks, watched } from '../../../../src/kernel/engine/hooks.ts';
import { describeBoth, runVirtually, type Spelling } from '../../../support/spellings.ts';

/** Listens to channels until the end of the test. Gives what comes, as text. */
function listen(...names: string[]): string[] {
  const heard: string[] = [];
  for (const name of names) {
    const listener = (message: unknown): void => {
      const { task, parent, by, failure } = message as Record<string, { getName(): string } & { error: unknown }>;
      const parts = [name.replace('asyncio-ts:', ''), task?.getName(), (parent ?? by)?.getName(), failure?.error];
      heard.push(parts.filter((part) => part !== undefined && part !== null).join(' '));
    };
    channel(name).subscribe(listener);
    onTestFinished(() => void channel(name).unsubscribe(listener));
  }
  return heard;
}

const begun = (): void => {
  const stop = publishDiagnostics();
  onTestFinished(stop);
};

const program = (s: Spelling) =>
  s.fn(function* () {
    const failing = createTask(
      s.fn(function* () {
        yield* s.wait(sleep(1));
        throw new Error('broken');
      }),
      { name: 'failing' },
    );
    const waiting = createTask(
      s.fn(function* () {
        yield* s.wait(new Event().wait());
      }),
      { name: 'waiting' },
    );
    yield* s.wait(sleep(1.2));
    waiting.cancel('enough');
    yield* s.wait(wait([failing, waiting]));
    failing.exception();
  });

describeBoth('publishDiagnostics()', (s) => {
  test('tells of tasks that are made, cancelled and done, and why they failed', async () => {
    const heard = listen('asyncio-ts:task:spawn', 'asyncio-ts:task:cancel', 'asyncio-ts:task:finish');
    begun();
    await runVirtually(program(s), { name: 'Main' });
    expect(heard.filter((line) => !line.includes('shutdown'))).toEqual([
      'task:spawn Main',
      'task:spawn failing Main',
      'task:spawn waiting Main',
      'task:finish failing Error: broken',
      'task:cancel waiting Main',
      'task:finish waiting',
      'task:finish Main',
    ]);
  });

  test('tells of steps and waits from the next task on, when somebody subscribes later', async () => {
    begun();
    let heard: string[] = [];
    await runVirtually(
      s.fn(function* () {
        expect(watched.steps).toBe(false);
        heard = listen('asyncio-ts:step:begin', 'asyncio-ts:wait:begin', 'asyncio-ts:task:cancelled');
        const task = createTask(
          s.fn(function* () {
            yield* s.wait(sleep(5));
          }),
          { name: 'later' },
        );
        expect(watched.steps).toBe(true);
        yield* s.wait(sleep(1));
        task.cancel();
        yield* s.wait(wait([task]));
      }),
      { name: 'Main' },
    );
    expect(heard.filter((line) => line.endsWith('later'))).toEqual([
      'step:begin later',
      'wait:begin later',
      'task:cancelled later',
      'step:begin later',
    ]);
  });

  test('installs nothing that slows steps down while nobody has subscribed, and nothing at all once it has ended', async () => {
    const stop = publishDiagnostics();
    const again = publishDiagnostics();
    await runVirtually(program(s));
    expect(watched.steps).toBe(false);
    expect(hooks.taskSpawned).toHaveLength(1);
    stop();
    stop();
    expect(hooks.taskSpawned).toHaveLength(1);
    again();
    expect(Object.values(hooks).every((installed) => installed === null)).toBe(true);
  });

  test('takes the hooks of steps out again when the last subscriber has gone', async () => {
    begun();
    const steps = channel('asyncio-ts:step:begin');
    const listener = (): void => {};
    steps.subscribe(listener);
    await runVirtually(program(s));
    steps.unsubscribe(listener);
    await runVirtually(program(s));
    expect(watched.steps).toBe(false);
  });
});
