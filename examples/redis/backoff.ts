import { sleep } from 'asyncio-ts';
import { ConnectionError } from 'asyncio-ts/node';
import { type Connection, ConnectionLost } from './connection.ts';

/** How to connect again. */
export interface Backoff {
  /** The first pause, in seconds; each is twice as long as the one before. */
  readonly first?: number;
  /** The longest pause, in seconds. */
  readonly longest?: number;
  /** How often to try. */
  readonly attempts?: number;
}

/** Tries to connect until it succeeds, or until there were too many failures. */
export async function patiently(open: () => Promise<Connection>, backoff: Backoff): Promise<Connection> {
  const { first = 0.05, longest = 2, attempts = 10 } = backoff;
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      const mayPass = error instanceof ConnectionError || error instanceof ConnectionLost;
      if (!mayPass || attempt >= attempts) throw error;
    }
    await sleep(Math.min(first * 2 ** (attempt - 1), longest));
  }
}
