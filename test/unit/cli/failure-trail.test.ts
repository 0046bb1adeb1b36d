import { addInstrument, createTask, gather, sleep, Task, taskGroup } from 'asyncio-ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FailureTrail, type TrailNode } from '../../../src/cli/failure-trail.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

let trail: FailureTrail;
let remove: () => void;

beforeEach(() => {
  trail = new FailureTrail(Task);
  remove = addInstrument(trail);
});
afterEach(() => remove());

/** The names of the tasks: `outer(inner)`. */
function names(node: TrailNode | null): string {
  if (node === null) return '';
  return `${node.task.getName()}${node.from.length === 0 ? '' : `(${node.from.map(names).join(', ')})`}`;
}

/** Runs a program that fails; gives its error. */
async function failureOf(main: Parameters<typeof runVirtually>[0]): Promise<unknown> {
  return runVirtually(main, { name: 'main' }).then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error,
  );
}

function failing(s: Spelling, seconds: number, error: unknown = new Error('no')) {
  return s.fn(function* () {
    yield* s.wait(sleep(seconds));
    throw error;
  });
}

describeBoth('the trail of an error', (s) => {
  test('leads from the main task to the task in which it was thrown', async () => {
    const outer = s.fn(function* () {
      yield* s.wait(createTask(failing(s, 1), { name: 'inner' }));
    });
    const main = s.fn(function* () {
      yield* s.wait(createTask(outer, { name: 'outer' }));
    });
    expect(names(trail.of(await failureOf(main)))).toBe('main(outer(inner))');
  });

  test('branches where two tasks waited for the same one, and shows the origin', async () => {
    const main = s.fn(function* () {
      const inner = createTask(failing(s, 1), { name: 'inner' });
      const waits = (name: string) =>
        createTask(
          s.fn(function* () {
            yield* s.wait(inner);
          }),
          { name },
        );
      yield* s.wait(gather([waits('a'), waits('b')]));
    });
    const found = trail.of(await failureOf(main));
    expect(names(found)).toBe('main(a(inner), b)');
    expect(found!.from[0]!.from[0]!.isOrigin).toBe(true);
    expect(found!.from[1]!.isOrigin).toBe(false);
  });

  test('leads through gather to the task that was started for it', async () => {
    const main = s.fn(function* () {
      yield* s.wait(gather(sleep(5), createTask(failing(s, 1), { name: 'inner' })));
    });
    expect(names(trail.of(await failureOf(main)))).toBe('main(inner)');
  });

  test('has a branch for each error of a group', async () => {
    const errors = [new Error('a'), new Error('b')];
    const main = s.fn(function* () {
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            for (const error of errors) group.createTask(failing(s, 1, error), { name: error.message });
          }),
        ),
      );
    });
    expect(names(trail.of(await failureOf(main)))).toBe('main');
    expect(errors.map((error) => names(trail.of(error)))).toEqual(['a', 'b']);
  });

  test('does not exist for an error that no task let out', async () => {
    const caught = new Error('caught');
    const main = s.fn(function* () {
      try {
        yield* s.wait(failing(s, 1, caught)());
      } catch {
        return;
      }
    });
    await runVirtually(main);
    expect(trail.of(caught)).toBeNull();
    expect(trail.sawTasks).toBe(true);
  });
});

test('an error that was not retrieved stays unretrieved while the program runs', async () => {
  const reports: unknown[] = [];
  const main = async () => {
    const task = createTask(async () => Promise.reject(new Error('unseen')));
    task.getLoop().setExceptionHandler((_, { message }) => reports.push(message));
    await sleep(1);
  };
  await runVirtually(main);
  expect(reports).toEqual(['Task exception was never retrieved']);
});
