import { currentSignal, wrapPromise } from 'asyncio-ts';

/** What a server answers. The request is aborted when the task that waits for it is cancelled, and the wait ends at once. */
export async function getJson<T>(url: string): Promise<T> {
  const response = await wrapPromise(fetch(url, { signal: currentSignal() }));
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return await wrapPromise(response.json() as Promise<T>);
}
