// The proxy: makes a connection to the upstream for each client. In generator spelling.

import { CancelledError, type Coroutine, ExceptionGroup, TimeoutError, timeout } from 'asyncio-ts';
import { ConnectionError, OSError, openConnection, type StreamReader, type StreamWriter } from 'asyncio-ts/node';
import { type End, Link } from './link.ts';

export interface ProxyOptions {
  readonly upstream: { readonly host: string; readonly port: number };
  /** How long connecting to the upstream may take, in seconds. */
  readonly connectTimeout: number;
  /** How long a connection may stay without a byte passing, in seconds. */
  readonly idleTimeout: number;
  /** How many connections at once. */
  readonly limit: number;
  /** Called when data has passed, or a client has connected. */
  onChange(proxy: TcpProxy): void;
  /** Called when a connection is over. */
  onEnd(link: Link): void;
}

export class TcpProxy {
  readonly links = new Set<Link>();
  readonly #options: ProxyOptions;
  #count = 0;

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  /** Serves a connection: what `startServer` calls. */
  readonly handle = (reader: StreamReader, writer: StreamWriter): Coroutine<void> => this.#handle({ reader, writer });

  *#handle(client: End): Coroutine<void> {
    const link = new Link(++this.#count, (client.writer.getExtraInfo('peername') ?? []).toString().replace(',', ':'));
    const isFull = this.links.size >= this.#options.limit;
    if (!isFull) this.links.add(link);
    try {
      link.end = isFull ? `refused: there are ${this.#options.limit} connections` : yield* this.#serve(link, client);
    } catch (error) {
      link.end = reasonOf(error);
      if (link.end === 'failed') throw error;
    } finally {
      // After an error, data that could not be passed on is dropped. After a regular end, nothing is left to abort.
      client.writer.transport.abort();
      this.links.delete(link);
      this.#options.onEnd(link);
      this.#options.onChange(this);
    }
  }

  *#serve(link: Link, client: End): Coroutine<string> {
    const { upstream, connectTimeout, idleTimeout, onChange } = this.#options;
    onChange(this);
    const server = yield* this.#connect(upstream.host, upstream.port, connectTimeout);
    try {
      yield* link.pass(client, server, idleTimeout, () => onChange(this));
      client.writer.close();
      server.writer.close();
      yield* client.writer.waitClosed();
      return 'ended';
    } finally {
      server.writer.transport.abort();
    }
  }

  *#connect(host: string, port: number, seconds: number): Coroutine<End> {
    try {
      return yield* timeout(seconds, function* (): Coroutine<End> {
        return yield* openConnection(host, port);
      });
    } catch (error) {
      if (error instanceof TimeoutError) throw new NoUpstream(`the upstream did not answer for ${seconds} seconds`);
      if (error instanceof OSError) throw new NoUpstream(`the upstream cannot be reached (${error.code})`);
      throw error;
    }
  }
}

class NoUpstream extends Error {}

/** What ends a connection without being a mistake of the program. */
function reasonOf(error: unknown): string {
  if (error instanceof NoUpstream) return error.message;
  if (error instanceof CancelledError) return 'cut at shutdown';
  if (error instanceof TimeoutError) return 'idle';
  if (error instanceof ConnectionError) return `lost (${error.code})`;
  if (error instanceof ExceptionGroup) return reasonOf(error.errors[0]);
  return 'failed';
}
