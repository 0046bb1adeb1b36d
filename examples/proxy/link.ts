import { type Coroutine, getRunningLoop, type Timeout, taskGroup, timeout } from 'asyncio-ts';
import type { StreamReader, StreamWriter } from 'asyncio-ts/node';

/** Both ends of a connection. */
export interface End {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
}

/** How much is read at a time, in bytes. */
const CHUNK = 65_536;

/** A connection through the proxy, with its counts. */
export class Link {
  readonly number: number;
  /** Where it comes from. */
  readonly from: string;
  /** Bytes passed on to the upstream, and back. */
  up = 0;
  down = 0;
  /** How it has ended. */
  end: string | null = null;

  constructor(number: number, from: string) {
    this.number = number;
    this.from = from;
  }

  /**
   * Passes data on in both directions at once, until both have ended.
   *
   * @param idle how long nothing may pass, in seconds
   * @throws {TimeoutError} when nothing has passed for this time
   */
  *pass(client: End, upstream: End, idle: number, onBytes: () => void): Coroutine<void> {
    const link = this;
    yield* timeout(idle, function* (limit): Coroutine<void> {
      const passed = (): void => {
        postpone(limit, idle);
        onBytes();
      };
      const up = (size: number): void => {
        link.up += size;
        passed();
      };
      const down = (size: number): void => {
        link.down += size;
        passed();
      };
      yield* taskGroup(function* (group): Coroutine<void> {
        group.createTask(pump(client.reader, upstream.writer, up), { name: `#${link.number} up` });
        group.createTask(pump(upstream.reader, client.writer, down), { name: `#${link.number} down` });
      });
    });
  }
}

/**
 * Passes on one direction, and its end. `drain` waits for a slow reader; meanwhile nothing is read from the other side, and
 * so it has to wait, too.
 */
function* pump(reader: StreamReader, writer: StreamWriter, onBytes: (size: number) => void): Coroutine<void> {
  for (;;) {
    const data = yield* reader.read(CHUNK);
    if (data.length === 0) break;
    writer.write(data);
    yield* writer.drain();
    onBytes(data.length);
  }
  writer.writeEof();
}

function postpone(limit: Timeout, seconds: number): void {
  limit.reschedule(getRunningLoop().time() + seconds);
}
