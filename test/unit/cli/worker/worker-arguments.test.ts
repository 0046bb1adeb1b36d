import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../../src/cli/usage-error.ts';
import { parseWorker } from '../../../../src/cli/worker/worker-arguments.ts';

const COMMON = { kind: 'worker', file: 'work.ts', queue: 'default', name: null, concurrency: null, threads: null };

describe('the command line of asyncio worker', () => {
  it('takes a file and where the jobs come from, in any order', () => {
    const redis = { ...COMMON, store: { engine: 'bullmq', url: 'redis://127.0.0.1' } };
    expect(parseWorker(['work.ts', '--bullmq', 'redis://127.0.0.1'])).toEqual(redis);
    expect(parseWorker(['--bullmq=redis://127.0.0.1', 'work.ts'])).toEqual(redis);
    expect(parseWorker(['work.ts', '--nats', 'nats://127.0.0.1:4222'])).toEqual({
      ...COMMON,
      store: { engine: 'nats', url: 'nats://127.0.0.1:4222' },
    });
  });

  it.each(['rediss://host', 'postgres://u:p@host/db', 'postgresql://host/db'])(
    'knows %s as a store of BullMQ',
    (url) => {
      expect(parseWorker(['work.ts', '--bullmq', url])).toMatchObject({ store: { engine: 'bullmq', url } });
    },
  );

  it('takes a queue, a name, and how many jobs run at the same time, and where', () => {
    const options = ['-q', 'images', '--name', 'app:work', '-c', '16', '--threads', '4'];
    expect(parseWorker(['work.ts', '--nats', 'tls://host', ...options])).toMatchObject({
      queue: 'images',
      name: 'app:work',
      concurrency: 16,
      threads: 4,
    });
  });

  it('shows its help, whatever else there is', () => {
    expect(parseWorker(['--help'])).toEqual({ kind: 'help', topic: 'worker' });
    expect(parseWorker(['work.ts', '-h'])).toEqual({ kind: 'help', topic: 'worker' });
  });

  it.each([
    [[], 'worker: a file is missing: write asyncio worker FILE --bullmq redis://127.0.0.1'],
    [['a.ts', 'b.ts', '--nats', 'nats://h'], "worker: one file at a time; 'b.ts' is too much"],
    [
      ['a.ts'],
      'worker: where the jobs come from is missing: write asyncio worker FILE --bullmq redis://127.0.0.1, or --nats nats://127.0.0.1',
    ],
    [
      ['a.ts', '--nats', 'nats://h', '--bullmq', 'redis://h'],
      'worker: --bullmq and --nats exclude each other: start one worker for each',
    ],
    [
      ['a.ts', '--nats', 'redis://me:secret@h'],
      "worker: --nats takes an address that begins with nats://, tls://; got 'redis://me:…@h', write --nats nats://127.0.0.1",
    ],
    [
      ['a.ts', '--bullmq', 'localhost'],
      "worker: --bullmq takes an address that begins with redis://, rediss://, postgres://, postgresql://; got 'localhost', write --bullmq redis://127.0.0.1",
    ],
    [['a.ts', '--nats', 'nats://h', '-q', ''], 'worker: --queue is empty: leave it out, or give a name'],
    [
      ['a.ts', '--nats', 'nats://h', '--name', 'work'],
      "worker: --name takes a name with a scheme, the same as in moduleFunctions; got 'work', write --name app:work",
    ],
    [
      ['a.ts', '--nats', 'nats://h', '-q', 'a:b'],
      "worker: --queue takes a name without spaces and colons, the same as in DistributedExecutor; got 'a:b', write --queue images",
    ],
    [['a.ts', '--nats', 'nats://h', '-c', '0'], "worker: --concurrency takes a whole number of at least 1, got '0'"],
    [
      ['a.ts', '--nats', 'nats://h', '--threads', 'many'],
      "worker: --threads takes a whole number of at least 1, got 'many'",
    ],
    [['a.ts', '--fast'], "worker: unknown option '--fast'"],
  ])('refuses %j with the fix', (argv, message) => {
    expect(() => parseWorker(argv)).toThrow(new UsageError(message));
  });
});
