import { newEventLoop, sleep } from 'asyncio-ts';
import { ManualHost, VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describe('a manual host', () => {
  test('has a clock that stands still until it is moved', () => {
    const host = new ManualHost(100);
    expect(host.time()).toBe(100);
    host.advance(5);
    expect(host.time()).toBe(105);
  });

  test('lets the test drive the loop, and shows what the loop wants', () => {
    const host = new ManualHost();
    const loop = newEventLoop({ host });
    const trace: string[] = [];
    expect([host.wantsTurn, host.wantedAt]).toEqual([false, null]);
    loop.callLater(5, () => trace.push('timer'));
    expect([host.wantsTurn, host.wantedAt]).toEqual([false, 5]);
    loop.callSoon(() => trace.push('callback'));
    expect(host.wantsTurn).toBe(true);
    loop.runOnce();
    host.advance(5);
    loop.runOnce();
    expect(trace).toEqual(['callback', 'timer']);
    expect(host.wantedAt).toBe(null);
  });
});

describeBoth('a virtual host', (s) => {
  test('jumps from timer to timer', async () => {
    const host = new VirtualHost(100);
    const loop = newEventLoop({ host });
    const seen: number[] = [];
    const main = s.fn(function* () {
      for (const delay of [1, 3600, 0.001]) {
        yield* s.wait(sleep(delay));
        seen.push(host.time());
      }
    });
    await loop.runUntilComplete(main);
    expect(seen).toEqual([101, 3_701, 3_701.001]);
  });

  test('lets no time pass while there is something to run', async () => {
    const main = s.fn(function* () {
      for (let i = 0; i < 1_000; i++) yield* s.wait(sleep(0));
    });
    expect(await runVirtually(main)).toEqual({ result: undefined, seconds: 0 });
  });

  test('gives the same trace each time', async () => {
    const traceOfRun = async () => {
      const trace: string[] = [];
      const host = new VirtualHost();
      const loop = newEventLoop({ host });
      const worker = s.fn(function* (name: string, delay: number) {
        for (let i = 0; i < 5; i++) {
          yield* s.wait(sleep(delay));
          trace.push(`${name} at ${host.time()}`);
        }
      });
      const workers = [2, 3, 1, 2].map((delay, i) => loop.createTask(() => worker(`worker ${i}`, delay)));
      for (const task of workers) await loop.runUntilComplete(task);
      return trace;
    };
    const first = await traceOfRun();
    expect(first).toHaveLength(20);
    expect(await traceOfRun()).toEqual(first);
  });
});

describe('simulated time', () => {
  test('waits for promises of the program that have something to do', async () => {
    const { result, seconds } = await runVirtually(async () => {
      const nap = sleep(10, 'slept');
      let steps = 0;
      for (; steps < 100; steps++) await null;
      return [await nap, steps];
    });
    expect({ result, seconds }).toEqual({ result: ['slept', 100], seconds: 10 });
  });

  test('does not go back for a deadline in the past', async () => {
    const host = new VirtualHost(100);
    const loop = newEventLoop({ host });
    loop.callAt(5, () => loop.stop());
    await loop.runForever();
    expect(host.time()).toBe(100);
  });

  test('does not pass for what will never happen', async () => {
    const host = new VirtualHost();
    const loop = newEventLoop({ host });
    loop.callLater(Number.POSITIVE_INFINITY, () => {});
    const run = loop.runForever();
    for (let i = 0; i < 3; i++) await new Promise(setImmediate);
    expect(host.time()).toBe(0);
    loop.stop();
    await run;
  });
});
