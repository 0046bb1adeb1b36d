import { outgoing } from 'asyncio-ts/http';

export class StatusError extends Error {
  readonly status: number;

  constructor(status: number, url: string) {
    super(`${url} answered ${status}`);
    this.name = 'StatusError';
    this.status = status;
  }
}

/** What a page answers, as JSON. Its connection is free again when this returns or throws, whatever happens. */
export async function getJson(url: string, init: object = {}): Promise<unknown> {
  const response = await fetch(url, outgoing(init));
  if (!response.ok) {
    await response.body?.cancel(); // a body that nobody reads keeps its connection
    throw new StatusError(response.status, url);
  }
  return await response.json(); // under the same signal as the headers
}
