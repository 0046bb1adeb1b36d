import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server } from 'node:net';
import { LockManager } from 'bullmq';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bullmq, DistributedExecutor, moduleFunctions, serve } from '../../../src/bullmq/index.ts';
import { run } from '../../../src/index.ts';

const work = { double: (n: number) => n * 2 };
const { double } = moduleFunctions<typeof work>('app:work');

let server: Server | null = null;
let sockets: Socket[] = [];

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  server?.close();
  server = null;
  sockets = [];
});

/** What speaks as Redis does. The answer to each command is the same, or by its name. */
async function answering(answer: string | ((command: string) => string)): Promise<string> {
  const made = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      // One answer for each command: an array of the protocol begins with `*`, and its first text is the name.
      for (const [, command = ''] of data.toString().matchAll(/^\*\d+\r\n\$\d+\r\n(\w+)/gm))
        if (/^quit$/i.test(command)) socket.end('+OK\r\n');
        else socket.write(typeof answer === 'string' ? answer : answer(command.toLowerCase()));
    });
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return `redis://somebody:wrong@127.0.0.1:${(made.address() as AddressInfo).port}`;
}

/** An address at which nobody listens. */
async function nowhere(): Promise<string> {
  const address = await answering('');
  await new Promise((resolve) => server!.close(resolve));
  server = null;
  return address;
}

const about = 'redis_version:7.2.0\r\nmaxmemory_policy:noeviction\r\n';
const info = `$${about.length}\r\n${about}\r\n`;
const denied = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';

describe('a store that lets nobody in', () => {
  it('fails serve() with the reason, in place of a wait without end', async () => {
    const connection = await nowhere();
    const serving = run(() => serve(work, { engine: bullmq({ connection }), queue: 'images', signals: [] }));
    await expect(serving).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('refuses an account at once: serve() and jobs name it, and nothing is tried again', async () => {
    const connection = await answering(denied);
    const engine = bullmq({ connection });
    await expect(run(() => serve(work, { engine, queue: 'images', signals: [] }))).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
      message: expect.stringContaining('WRONGPASS'),
    });
    const submitting = run(async () => {
      await using pool = new DistributedExecutor({ engine, queue: 'images', patience: 60 });
      return await pool.submit(double, 1);
    });
    await expect(submitting).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
      message: expect.stringContaining('double() was not sent: the store refuses the account: WRONGPASS'),
    });
  });

  it('leaves no connection behind when it lets a worker in, and then refuses its first sign of life', async () => {
    const connection = await answering((command) => {
      if (command === 'info') return info;
      return /^(?:auth|hello|select|client)$/.test(command) ? '+OK\r\n' : '-NOPERM this user has no permissions\r\n';
    });
    const serving = run(() => serve(work, { engine: bullmq({ connection }), queue: 'images', signals: [] }));
    await expect(serving).rejects.toMatchObject({ message: expect.stringContaining('NOPERM') });
    // Ends when the last connection has.
    await expect(new Promise((resolve) => server!.close(resolve))).resolves.toBe(undefined);
  });

  it('fails a job after the patience with the reason', async () => {
    const connection = await nowhere();
    const submitting = run(async () => {
      await using pool = new DistributedExecutor({ engine: bullmq({ connection }), queue: 'images', patience: 0.2 });
      return await pool.submit(double, 1);
    });
    await expect(submitting).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('a worker whose store goes in the middle', () => {
  it('ends without a renewal of locks that would keep the process', async () => {
    const starts = vi.spyOn(LockManager.prototype, 'start');
    const connection = await answering((command) => {
      if (command === 'info') return info;
      if (command === 'evalsha') return ':1\r\n';
      return command === 'bzpopmin' ? '' : '+OK\r\n'; // there is no job to wait for
    });
    const link = await bullmq({ connection }).openWorker('images', {
      offer: { worker: 'a', module: null, names: ['double'] },
      concurrency: 1,
      lease: 30,
      perform: () => ({ reply: '' }),
      cancel: () => {},
    });
    await vi.waitFor(() => expect(starts).toHaveBeenCalled());
    const [locks] = starts.mock.contexts as [LockManager];
    expect(locks.isRunning()).toBe(true);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server!.close();
    for (const socket of sockets) socket.destroy();
    const closing = link.close();
    await vi.advanceTimersByTimeAsync(6_000);
    await closing;
    expect(locks.isRunning()).toBe(false);
  });
});
