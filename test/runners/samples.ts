import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createTask, Event, getRunningLoop, sleep, taskGroup } from 'asyncio-ts';
import type { AsyncTest, AsyncTestEach } from 'asyncio-ts/vitest';

/** `asyncTest`, as far as all entries have it. */
interface Declares<Runner, Options> extends AsyncTest<Runner, Options> {
  readonly skip: AsyncTest<Runner, Options>;
  readonly each?: AsyncTestEach<Runner, Options>;
  todo(title: string): void;
}

function check(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`not true: ${what}`);
}

const trace: string[] = [];
/** What a test leaves behind, for the next one to end it: a runner would wait for it. */
let rest: (() => void) | null = null;

/** Declares tests of which those with `fails` in their titles must fail, and the others pass. */
export function declareSamples<Runner, Options>(asyncTest: Declares<Runner, Options>): void {
  asyncTest('an hour takes no time', async () => {
    await sleep(3_600);
    check(getRunningLoop().time() === 3_600, 'an hour has passed');
  });

  asyncTest('a generator function is a body', function* ({ group }) {
    const task = group.createTask(function* () {
      yield* sleep(60);
      return 'done';
    });
    check((yield* task) === 'done', 'the task has ended');
  });

  asyncTest('the group is over when its tasks are', async ({ group }) => {
    trace.length = 0;
    group.createTask(async () => {
      await sleep(10);
      trace.push('the task of the group has ended');
    });
  });

  asyncTest('the group of the test before was waited for', async () => {
    check(trace.join() === 'the task of the group has ended', trace.join());
  });

  asyncTest('a group may be cancelled', async ({ group }) => {
    group.createTask(() => new Event().wait());
    await sleep(1);
    group.cancel();
  });

  asyncTest('the clock is moved by hand', async ({ clock }) => {
    const seen: number[] = [];
    const task = createTask(async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(0.1);
        seen.push(i);
      }
    });
    await clock.advance(0.15);
    check(seen.join() === '0', `one: ${seen}`);
    await clock.advance(0.1);
    await clock.settle();
    check(seen.join() === '0,1', `two: ${seen}`);
    await task;
  });

  asyncTest(
    'real time passes when it is asked for',
    async ({ clock }) => {
      const began = clock.time();
      await clock.advance(0.05);
      await clock.settle();
      check(clock.time() - began >= 0.049, 'it has passed');
    },
    { virtual: false },
  );

  asyncTest('fails by an assertion', async () => {
    await sleep(1);
    check(false, 'pigs fly');
  });

  asyncTest('fails by a task of its group', async ({ group }) => {
    group.createTask(async () => {
      await sleep(1);
      throw new RangeError('too far');
    });
    await sleep(100);
  });

  asyncTest('fails by tasks that it leaves behind', async () => {
    createTask(
      async () => {
        await taskGroup(async (group) => {
          group.createTask(() => sleep(100), { name: 'inner' });
        });
      },
      { name: 'outer' },
    );
    getRunningLoop().callLater(50, function alarm() {});
    await sleep(1);
  });

  asyncTest('may leave tasks behind when it says so', async () => void createTask(() => sleep(100)), {
    failOnLeaks: false,
  });

  asyncTest('fails by an error that is lost', async () => {
    createTask(async () => {
      throw new RangeError('nobody looks');
    });
    await sleep(1);
  });

  asyncTest('fails when nothing can run any more', async () => {
    await new Event().wait();
  });

  asyncTest(
    'fails in real time by a task that it leaves behind',
    async () => {
      createTask(() => sleep(100), { name: 'left' });
    },
    { virtual: false },
  );

  asyncTest(
    'fails by its time limit',
    async ({ signal }) => {
      trace.length = 0;
      signal.addEventListener('abort', () => trace.push('aborted'));
      try {
        await new Event().wait();
      } finally {
        await sleep(0.05);
        trace.push('cleaned up');
      }
    },
    { virtual: false, timeout: 0.2 },
  );

  asyncTest('the clean-up of the test before was waited for', async () => {
    check(trace.join() === 'aborted,cleaned up', trace.join());
  });

  asyncTest.skip('fails, and is skipped', async () => {
    throw new Error('it was run');
  });

  asyncTest.todo('is still to be written');

  asyncTest.each?.([
    [1, 2],
    [2, 4],
  ])('twice %d is %d', async (_scope, one, other) => {
    check(2 * one! === other, `${one} ${other}`);
  });
}

/** The same for what the runtime itself has, where it tells of it. */
export function declareSystemSamples<Runner, Options>(asyncTest: Declares<Runner, Options>): void {
  asyncTest(
    'fails by a server that it leaves behind',
    async () => {
      const server = createServer();
      rest = () => server.close();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    },
    { virtual: false },
  );

  asyncTest('fails by a child process that it leaves behind', async () => {
    rest?.();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)'], { stdio: 'ignore' });
    rest = () => child.kill('SIGKILL');
    await sleep(1);
  });

  asyncTest('ends what the tests before have left', async () => {
    rest?.();
  });
}
