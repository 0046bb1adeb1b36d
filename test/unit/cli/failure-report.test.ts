import { addInstrument, createTask, sleep, Task, taskGroup } from 'asyncio-ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reportFailure } from '../../../src/cli/failure-report.ts';
import { FailureTrail } from '../../../src/cli/failure-trail.ts';
import { runVirtually } from '../../support/spellings.ts';

let trail: FailureTrail;
let remove: () => void;

beforeEach(() => {
  trail = new FailureTrail(Task);
  remove = addInstrument(trail);
});
afterEach(() => remove());

/** The report on a program that fails, without the frames of stacks. */
async function reportOn(main: Parameters<typeof runVirtually>[0], wholeStacks = false): Promise<string> {
  const error: unknown = await runVirtually(main, { name: 'main' }).catch((failure: unknown) => failure);
  const report = reportFailure('job.ts', error, { trail, library: '/nowhere', wholeStacks });
  return report.replace(/^.* {4}at .*\n/gm, '');
}

async function fail(seconds: number, error: unknown): Promise<never> {
  await sleep(seconds);
  throw error;
}

test('a report shows the tasks from the outermost one to the error', async () => {
  async function load() {
    await createTask(
      async function parse() {
        await fail(1, new SyntaxError('unexpected end'));
      },
      { name: 'parser' },
    );
  }
  const report = await reportOn(async function main() {
    await createTask(load, { name: 'loader' });
  });
  expect(report).toBe(`\
job.ts failed: SyntaxError: unexpected end

main  main()
└─ loader  load()
   └─ parser  parse()
      └─ SyntaxError: unexpected end
`);
});

test('tasks without names of their own are called after their functions, as in all tools, in both spellings', async () => {
  function* load() {
    yield* sleep(1);
    throw new RangeError('no such page');
  }
  const report = await reportOn(async function main() {
    await createTask(load);
  });
  expect(report.replace(/#\d+/g, '#N')).toBe(`\
job.ts failed: RangeError: no such page

main  main()
└─ load#N
   └─ RangeError: no such page
`);
});

test('a group of errors is shown as a tree, with the tasks of each', async () => {
  function* collect() {
    yield* sleep(1);
    throw new TypeError('no such thing');
  }
  const report = await reportOn(async function main() {
    await taskGroup(async (outer) => {
      outer.createTask(collect(), { name: 'collector' });
      outer.createTask(
        async function nested() {
          await taskGroup(async (inner) => {
            inner.createTask(() => fail(1, new RangeError('too far\nby a mile')), { name: 'walker' });
          });
        },
        { name: 'nested' },
      );
    });
  });
  expect(report).toBe(`\
job.ts failed: ExceptionGroup: unhandled errors in a TaskGroup (2 of 2 tasks failed: TypeError: no such thing; ExceptionGroup: unhandled errors in a TaskGroup (1 of 1 task failed: RangeError: too far\\nby a mile))

main  main()
└─ ExceptionGroup: unhandled errors in a TaskGroup (2 of 2 tasks failed: TypeError: no such thing; ExceptionGroup: unhandled errors in a TaskGroup (1 of 1 task failed: RangeError: too far\\nby a mile))
   ├─ collector  (generator)
   │  └─ TypeError: no such thing
   └─ nested  nested()
      └─ ExceptionGroup: unhandled errors in a TaskGroup (1 of 1 task failed: RangeError: too far\\nby a mile)
         └─ walker  <anonymous>()
            └─ RangeError: too far
               by a mile
`);
});

test('a cause is shown with the tasks that it came through, and circles of causes end', async () => {
  const inner = new Error('disk full');
  const outer = new Error('not saved', { cause: inner });
  inner.cause = outer;
  const report = await reportOn(async function main() {
    await createTask(() => fail(1, inner), { name: 'writer' }).catch(() => {
      throw outer;
    });
  });
  expect(report).toBe(`\
job.ts failed: Error: not saved

main  main()
└─ Error: not saved
   └─ caused by: writer  <anonymous>()
      └─ Error: disk full
`);
});

test('a task that was started by a task other than the next one above says so', async () => {
  const report = await reportOn(async function main() {
    const shared = createTask(() => fail(1, new Error('no')), { name: 'shared' });
    await createTask(async () => await shared, { name: 'user' });
  });
  expect(report).toContain('shared  <anonymous>(), started by main\n');
});

test('whatever is thrown is shown', async () => {
  expect(await reportOn(async () => await fail(1, 'a text'))).toBe("job.ts failed: 'a text'\n\n'a text'\n");
});
