import { coroutine, createTask, getRunningLoop, Lock, sleep, type Task } from 'asyncio-ts';
import {
  captureTasks,
  captureWaitGraph,
  formatCallGraph,
  formatWaitGraph,
  formatWaitTree,
  startFlightRecorder,
  startTracing,
  type TraceDocument,
  titleOfTask,
} from 'asyncio-ts/inspect';
import { startTaskSpans } from 'asyncio-ts/opentelemetry';
import { describe, expect, test } from 'vitest';
import { nameText } from '../../../src/cli/ps/task-text.ts';
import { titleOf } from '../../../src/kernel/lowlevel.ts';
import { runVirtually } from '../../support/spellings.ts';
import { spanCalled, useOpenTelemetry } from '../opentelemetry/support.ts';

interface Published {
  readonly copies: readonly { running?(): string | null }[];
}

/** What runs now, as reports of stalls ask for it. */
const running = () => {
  const { copies } = Reflect.get(globalThis, Symbol.for('asyncio-ts')) as Published;
  return copies.map((copy) => copy.running?.() ?? null).find(Boolean);
};

/** Functions with names, which those of the helper for both spellings do not have. */
const SPELLINGS = {
  'an async function': async function load(lock: Lock, ran: unknown[]) {
    ran.push(running());
    await lock.acquire();
  },
  'a generator function': function* load(lock: Lock, ran: unknown[]) {
    ran.push(running());
    yield* lock.acquire();
  },
};

const tracksOf = ({ traceEvents }: TraceDocument) =>
  traceEvents.flatMap(({ name, args }) => (name === 'thread_name' ? [args?.['name']] : []));

describe.each(Object.entries(SPELLINGS))('a task of %s', (_spelling, load) => {
  useOpenTelemetry();

  test('has one name in everything that shows tasks', async () => {
    const tracing = startTracing();
    const recorder = startFlightRecorder();
    const stop = startTaskSpans({ tasks: 'all' });
    const lock = new Lock();
    const ran: unknown[] = [];
    await runVirtually(async () => {
      await lock.acquire();
      const task = createTask(coroutine(load)(lock, ran)) as Task<unknown>;
      const title = `load#${task.getName().slice('Task-'.length)}`;
      const waiting = createTask(async () => await task);
      await sleep(1);
      const graph = captureWaitGraph(getRunningLoop());
      expect([titleOfTask(task), titleOf(task), ...ran]).toEqual([title, title, title]);
      expect(graph.tasks.map(({ name }) => name)).toContain(title);
      expect(formatWaitTree(graph).split('\n')).toContainEqual(expect.stringMatching(`└─ ${title} waits for <Lock`));
      expect(formatWaitGraph(graph)).toContain(`${waiting.getName()} waits for ${title}`);
      expect(formatCallGraph(task)).toContain(`* Task(name='${task.getName()}'`);
      expect(formatCallGraph(task)).toMatch(new RegExp(`\\) ${title}\n`));
      expect(formatCallGraph(task)).toContain(`+ Waits for: ${title}`);
      const snapshot = captureTasks().find(({ name }) => name === task.getName())!;
      expect(nameText(snapshot)).toBe(title);
      lock.release();
      await waiting;
      expect(tracksOf(tracing.toJSON())).toContain(title);
      expect(tracing.events.map(({ name }) => name)).toContain(`task ${title}`);
      expect(tracksOf(recorder.dump())).toContain(title);
      expect(spanCalled(title).attributes['asyncio.task.name']).toBe(task.getName());
    });
    stop();
    recorder.stop();
    tracing.stop();
  });
});
