import { CancelledError, wrapPromise } from 'asyncio-ts';
import type { Redis } from 'ioredis';

/** For how long the server waits at a time, in seconds. When a connection is lost, the next round is asked on a new one. */
const ROUND = 5;

/**
 * Takes the first element of a list, and waits for one. `blocking` is a connection for this alone (`commands.duplicate()`), because all
 * other commands on it would wait too. A cancellation ends the wait in the server, and an element that it was sending goes back.
 */
export async function take(commands: Redis, blocking: Redis, key: string): Promise<string> {
  for (;;) {
    const id = blocking.client('ID'); // on the same connection, directly before: it changes when it has to be made again
    const popped = blocking.blpop(key, ROUND);
    id.catch(() => {}); // when it fails, so does the other
    try {
      const element = await wrapPromise(popped);
      if (element !== null) return element[1];
    } catch (error) {
      if (error instanceof CancelledError) await giveBack(commands, key, popped, id);
      throw error;
    }
  }
}

/** It waits for promises of the driver only, so that no second cancellation interrupts it. */
async function giveBack(
  commands: Redis,
  key: string,
  popped: Promise<[string, string] | null>,
  id: Promise<number>,
): Promise<void> {
  try {
    await commands.client('UNBLOCK', await id);
    const late = await popped;
    if (late !== null) await commands.lpush(key, late[1]);
  } catch {
    // The server is gone, and with it the wait. See below about elements that must not be lost.
  }
}
