import { CancelledError, createTask, sleep, timeout } from 'asyncio-ts';
import { expect, it } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { functions, Network } from './network.ts';

const { slow } = functions;

describeBoth('a wait for a job that is cancelled', (s) => {
  const withNetwork = (body: (net: Network) => Generator<unknown, void, unknown>) =>
    program(s, function* () {
      const net = new Network();
      try {
        yield* s.wait(createTask(async () => await net.worker()));
        yield* body(net);
      } finally {
        yield* s.wait(createTask(async () => await net[Symbol.asyncDispose]()));
      }
    });

  it(
    'tells who has asked for it, although it ends only when the job has',
    withNetwork(function* (net) {
      const pool = net.pool();
      const waiting = createTask(
        s.fn(function* () {
          yield* s.wait(pool.submit(slow, 'a', 60, 1));
        }),
        { name: 'waiting' },
      );
      yield* s.wait(sleep(1));
      waiting.cancel();
      const error = yield* failure(s, waiting);
      expect(error).toBeInstanceOf(CancelledError);
      expect((error as Error).message).toMatch(/^Task 'waiting' was cancelled by Task-\d+$/);
      expect(net.events).toContain('clean a');
    }),
  );

  it(
    'names the deadline that has passed, and the message of a cancellation',
    withNetwork(function* (net) {
      const pool = net.pool();
      const error = yield* failure(
        s,
        timeout(
          0.5,
          s.fn(function* () {
            yield* s.wait(pool.submit(slow, 'b', 60, 1));
          }),
        ),
      );
      expect(String((error as Error).cause)).toContain('was cancelled by timeout(0.5 s)');
      const waiting = createTask(
        s.fn(function* () {
          yield* s.wait(pool.submit(slow, 'c', 60));
        }),
      );
      yield* s.wait(sleep(1));
      waiting.cancel('no time');
      expect(yield* failure(s, waiting)).toMatchObject({ message: 'no time' });
    }),
  );
});
