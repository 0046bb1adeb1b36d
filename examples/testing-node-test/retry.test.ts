import assert from 'node:assert/strict';
import { createTask, Event, sleep } from 'asyncio-ts';
import { asyncTest } from 'asyncio-ts/node-test';
import { retry } from './retry.ts';

/** Fails so many times. */
function flaky(failures: number) {
  const calls: number[] = [];
  const call = async (): Promise<string> => {
    calls.push(calls.length + 1);
    await sleep(0.1);
    if (calls.length <= failures) throw new Error(`failure ${calls.length}`);
    return 'done';
  };
  return { call, calls };
}

asyncTest('goes on until the function succeeds', async ({ clock }) => {
  const { call, calls } = flaky(4);
  assert.equal(await retry(call), 'done');
  assert.equal(calls.length, 5);
  assert.equal(clock.time().toFixed(3), '15.500'); // fifteen seconds, in a millisecond
});

asyncTest('waits a second after the first failure', async ({ group, clock }) => {
  const { call, calls } = flaky(1);
  group.createTask(() => retry(call));
  await clock.advance(1);
  assert.deepEqual(calls, [1]);
  await clock.advance(0.2);
  assert.deepEqual(calls, [1, 2]);
});

asyncTest('gives each attempt its time', async ({ clock }) => {
  const stuck = async () => await new Event().wait();
  await assert.rejects(retry(stuck, { attempts: 2, limit: 30 }), /timed out/);
  assert.equal(clock.time(), 30 + 1 + 30);
});

asyncTest('ends when it is cancelled', async ({ group, clock }) => {
  const { call, calls } = flaky(100);
  const task = group.createTask(() => retry(call, { attempts: 1_000 }));
  await clock.advance(10);
  task.cancel();
  await clock.settle();
  assert.ok(task.cancelled());
  assert.equal(calls.length, 4);
});

asyncTest('is awaited in generators as well', function* ({ clock }) {
  const { call } = flaky(1);
  assert.equal(yield* createTask(() => retry(call)), 'done');
  assert.equal(clock.time().toFixed(3), '1.200');
});
