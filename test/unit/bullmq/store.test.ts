import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { connectionOf, storeOf } from '../../../src/bullmq/store.ts';

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
