import { currentSignal, wrapPromise } from 'asyncio-ts';
import type { Collection, Document, Filter, WithId } from 'mongodb';

/**
 * The documents that match. A cancellation ends the wait at once, and the connection is kept: it is free again when the server has answered,
 * after `seconds` at the latest. For queries that are usually short.
 */
export async function find<T extends Document>(
  collection: Collection<T>,
  filter: Filter<T>,
  seconds: number,
): Promise<WithId<T>[]> {
  const cursor = collection.find(filter, { maxTimeMS: seconds * 1_000 });
  return await wrapPromise(cursor.toArray(), { onCancel: () => void cursor.close().catch(() => {}) });
}

/**
 * The same, for queries that take long: a cancellation closes the connection, which makes the server end the query. The next query has to
 * make a connection first.
 */
export async function findOrHangUp<T extends Document>(
  collection: Collection<T>,
  filter: Filter<T>,
): Promise<WithId<T>[]> {
  return await collection.find(filter, { signal: currentSignal() }).toArray();
}
