import type { ServerResponse } from 'node:http';
import { iterate, once } from 'asyncio-ts';
import { outgoing } from 'asyncio-ts/http';

export interface ServerEvent {
  readonly event?: string;
  readonly id?: string;
  readonly data: string;
}

/** Sends events for as long as there are any, no faster than the client reads them. */
export async function sendEvents(response: ServerResponse, events: AsyncIterable<ServerEvent>): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  try {
    for await (const event of iterate(events)) {
      if (!response.write(written(event))) await once(response, 'drain');
    }
    response.end();
  } catch (error) {
    response.destroy(); // so that the client does not take this for the end
    throw error;
  }
}

export function written({ event, id, data }: ServerEvent): string {
  const head = `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}`;
  return `${head}${data.replaceAll(/^/gm, 'data: ')}\n\n`;
}

/** The events of a server. Leaving the loop, or a cancellation, closes the connection. */
export async function* receiveEvents(url: string): AsyncGenerator<ServerEvent> {
  const response = await fetch(url, outgoing({ headers: { accept: 'text/event-stream' } }));
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
  let rest = '';
  for await (const text of iterate(response.body.pipeThrough(new TextDecoderStream()))) {
    const blocks = `${rest}${text}`.replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop()!;
    yield* blocks.map(read).filter((event) => event !== null);
  }
}

/** An event of its lines, `null` when they are only a comment. */
function read(block: string): ServerEvent | null {
  const fields = block.split('\n').map((line) => /^(\w*): ?(.*)$/.exec(line) ?? []);
  const all = (name: string): string[] => fields.filter(([, field]) => field === name).map(([, , value]) => value!);
  const [event] = all('event');
  const [id] = all('id');
  const data = all('data');
  if (data.length === 0) return null;
  return { ...(event === undefined ? {} : { event }), ...(id === undefined ? {} : { id }), data: data.join('\n') };
}
