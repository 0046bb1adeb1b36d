import { outgoing } from 'asyncio-ts/http';
import { Agent, request } from 'undici';

/** At most ten connections to each server, and limits that hold when no deadline does. */
export const agent = new Agent({ connections: 10, headersTimeout: 30_000, bodyTimeout: 30_000 });

/** As `getJson`, with a pool of its own. */
export async function getJsonOf(url: string): Promise<unknown> {
  const { signal, headers } = outgoing();
  const { statusCode, body } = await request(url, { dispatcher: agent, signal: signal ?? null, headers });
  if (statusCode >= 400) {
    await body.dump();
    throw new Error(`${url} answered ${statusCode}`);
  }
  return await body.json();
}
