import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { bullmq } from '../../../src/bullmq/index.ts';
import { checkingOn, connectionOf, storeOf } from '../../../src/bullmq/store.ts';
import { Refusal } from '../../../src/distributed/engine.ts';

/** A pool of connections to PostgreSQL, as far as this library and BullMQ touch it before anything is asked. */
class Pool extends EventEmitter {
  readonly #error: Error;

  constructor(error = new Error('not reachable')) {
    super();
    this.#error = error;
  }

  connect(): Promise<never> {
    return Promise.reject(this.#error);
  }

  query(): Promise<never> {
    return Promise.reject(this.#error);
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
    [{ connection: new URL('redis://h') }, 'redis'],
    [{ connection: new URL('postgres://h/app') }, 'postgres'],
    [{ postgres: new URL('postgres://h/app') }, 'postgres'],
    [{ connection: 'postgres://h/app' }, 'postgres'],
    [{ postgres: 'postgresql://h/app' }, 'postgres'],
    [{ postgres: { connectionString: 'h' } }, 'postgres'],
  ])('may be %j', (options, kind) => {
    expect(connectionOf(options)).toHaveProperty(kind);
  });

  it('that is a URL is taken as the address that it is', () => {
    expect(connectionOf({ connection: new URL('redis://h:1') })).toEqual({ redis: { url: 'redis://h:1' } });
    expect(connectionOf({ postgres: new URL('postgres://h/app') })).toEqual(
      connectionOf({ postgres: 'postgres://h/app' }),
    );
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
      { connection: null },
      "bullmq: connection is an address that begins with redis://, rediss:// or postgres://, or an object, got null; write bullmq({ connection: 'redis://127.0.0.1:6379' })",
    ],
    [
      { connection: ['redis://h'] },
      "bullmq: connection is an address that begins with redis://, rediss:// or postgres://, or an object, got ['redis://h']; write bullmq({ connection: 'redis://127.0.0.1:6379' })",
    ],
    [
      { postgres: null },
      "bullmq: postgres is an address that begins with postgres://, or an object, got null; write bullmq({ postgres: 'postgres://127.0.0.1/app' })",
    ],
  ])('that is none is refused before anybody tries to reach it: %j', (options, message) => {
    expect(() => connectionOf(options)).toThrow(message);
  });
});

describe('the engine bullmq()', () => {
  it.each([
    [
      'SchemaMigrationRequiredError',
      'NO_TABLES',
      'this database of PostgreSQL has no tables of BullMQ; to make them, give an address instead of options or a pool, ' +
        "or write bullmq({ postgres: { connectionString: 'postgres://127.0.0.1/app', migrate: true } })",
    ],
    ['SchemaVersionMismatchError', 'STORE_VERSION', 'upgrade it'],
  ])('does not try again after a %s', async (name, code, message) => {
    const error = Object.assign(new Error('upgrade it'), { name });
    const pool = new Pool(error);
    const events = { started() {}, settled() {}, refused() {}, progress() {}, changed() {} };
    const opened = bullmq({ postgres: pool }).openClient('q', events);
    await expect(opened).rejects.toMatchObject({ code, message, cause: error });
    await expect(opened).rejects.toBeInstanceOf(Refusal);
  });

  it('needs an object of options, and says what to write without a password', () => {
    expect(() => bullmq('redis://u:secret@h' as never)).toThrow(
      "bullmq: options are one object, got 'redis://u:…@h'; write bullmq({ connection: 'redis://u:…@h' })",
    );
    for (const none of [undefined, null, {}]) {
      expect(() => bullmq(none as never)).toThrow(
        "bullmq: one of connection (Redis) and postgres is required; write bullmq({ connection: 'redis://127.0.0.1' })",
      );
    }
  });
});
