import { CancelledError, createTask, Future, shared, sleep, type Task } from 'asyncio-ts';

/**
 * Combines many calls with one key each into one call with many keys. `load` gives the values in the order of the keys; an `Error` in place of a value is
 * the failure of that key alone.
 *
 * @param limit how many keys one call takes at most
 */
export function batched<K, V>(
  load: (keys: readonly K[]) => PromiseLike<readonly (V | Error)[]>,
  limit = 100,
): (key: K) => Future<V> {
  /** What has been asked for and not been sent. */
  let open: Batch<K, V> | null = null;

  const send = async (batch: Batch<K, V>): Promise<void> => {
    await sleep(0); // all that is asked for in this iteration of the loop goes together
    if (open === batch) open = null;
    try {
      const values = await load([...batch.keys()]);
      if (values.length !== batch.size) throw new RangeError(`${batch.size} keys, but ${values.length} values`);
      for (const [at, future] of [...batch.values()].entries()) settle(future, values[at]!);
    } catch (error) {
      for (const future of batch.values()) settle(future, error as Error);
      if (error instanceof CancelledError) throw error;
    }
  };

  return shared(async (key: K) => {
    if (open === null || open.size >= limit) {
      const batch = new Batch<K, V>();
      batch.task = createTask(() => send(batch), { name: `batch of ${load.name}` });
      open = batch;
    }
    return await open.add(key);
  });
}

/** The keys that are loaded together, and who waits for them: one future a key, whatever the number of its callers. */
class Batch<K, V> extends Map<K, Future<V>> {
  task: Task<void> | null = null;

  add(key: K): Future<V> {
    const future = new Future<V>();
    this.set(key, future);
    future.addDoneCallback(() => {
      // The last caller of this key has left. When that goes for all keys, nobody needs the answer.
      if (future.cancelled() && this.values().every((other) => other.cancelled())) this.task?.cancel();
    });
    return future;
  }
}

function settle<V>(future: Future<V>, outcome: V | Error): void {
  if (future.done()) return; // nobody waits any more
  if (outcome instanceof CancelledError) future.cancel();
  else if (outcome instanceof Error) future.setException(outcome);
  else future.setResult(outcome);
}
