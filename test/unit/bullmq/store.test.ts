import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { checkingOn, connectionOf, storeOf } from '../../../src/bullmq/store.ts';

/** A pool of connections to PostgreSQL, as far as this library and BullMQ touch it before anything is asked. */
class Pool extends EventEmitter {
  connect(): Promise<never> {
    return Promise.reject(new Error('not reachable'));
  }

  query(): Promise<never> {
    return Promise.reject(new Error('not reachable'));
  }

  async end(): Promise<void> {}
}

describe('a store in PostgreSQL', () => {
  it('does not end the process when the server goes while a connection is in use, and listens once to each', () => {
    const pool = new Pool();
    const store = storeOf(connectionOf({ postgres: pool }));
    store.queue('q').on('error', () => {});
    store.control('c').on('error', () => {});
    store.events('q').on('error', () => {});
    const connection = new EventEmitter();
    pool.emit('connect', connection);
    expect(connection.emit('error', new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(connection.listenerCount('error')).toBe(1);
  });
});

describe('a worker of BullMQ', () => {
  it('looks for jobs of lost workers again after errors of the store, once for those of a moment', () => {
    vi.useFakeTimers();
    try {
      const startStalledCheckTimer = vi.fn(async () => {});
      const worker = checkingOn(Object.assign(new EventEmitter(), { startStalledCheckTimer }));
      worker.emit('error', new Error('terminating connection due to administrator command'));
      worker.emit('error', new Error('Connection terminated unexpectedly'));
      expect(startStalledCheckTimer).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1_000);
      expect(startStalledCheckTimer).toHaveBeenCalledTimes(1);
      vi.advanceTimersByTime(60_000);
      worker.emit('error', new Error('the database system is starting up'));
      vi.advanceTimersByTime(1_000);
      expect(startStalledCheckTimer).toHaveBeenCalledTimes(2);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the place of a store', () => {
  it.each([
    [{ connection: 'redis://127.0.0.1:6379' }, 'redis'],
    [{ connection: 'rediss://h' }, 'redis'],
    [{ connection: '/run/redis.sock' }, 'redis'],
    [{ connection: { host: 'h' } }, 'redis'],
    [{ connection: 'postgres://h/app' }, 'postgres'],
    [{ postgres: 'postgresql://h/app' }, 'postgres'],
    [{ postgres: { connectionString: 'h' } }, 'postgres'],
  ])('may be %j', (options, kind) => {
    expect(connectionOf(options)).toHaveProperty(kind);
  });

  it('may be a client of ioredis that waits for as long as it takes, and no other', () => {
    const client = (maxRetriesPerRequest: number | null) => ({
      duplicate: () => {},
      options: { maxRetriesPerRequest },
    });
    expect(() => connectionOf({ connection: client(null) })).not.toThrow();
    expect(() => connectionOf({ connection: client(20) })).toThrow(
      'bullmq: a client of ioredis must wait for as long as it takes, and this one gives up after 20 attempts (maxRetriesPerRequest); ' +
        'write new Redis(address, { maxRetriesPerRequest: null })',
    );
  });

  it.each([
    [
      { connection: 'localhost:6379' },
      "bullmq: connection is an address that begins with redis://, rediss:// or postgres://, or an object, got 'localhost:6379'; write bullmq({ connection: 'redis://127.0.0.1:6379' })",
    ],
    [
      { postgres: 'redis://u:secret@h' },
      "bullmq: postgres is an address that begins with postgres://, or an object, got 'redis://u:…@h'; write bullmq({ postgres: 'postgres://127.0.0.1/app' })",
    ],
    [
      { connection: 6379 },
      "bullmq: connection is an address that begins with redis://, rediss:// or postgres://, or an object, got 6379; write bullmq({ connection: 'redis://127.0.0.1:6379' })",
    ],
    [
      { postgres: null },
      "bullmq: postgres is an address that begins with postgres://, or an object, got null; write bullmq({ postgres: 'postgres://127.0.0.1/app' })",
    ],
  ])('that is none is refused before anybody tries to reach it: %j', (options, message) => {
    expect(() => connectionOf(options)).toThrow(message);
  });
});
