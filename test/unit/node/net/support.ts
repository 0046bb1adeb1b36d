import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as macrotask } from 'node:timers/promises';
import {
  type ExceptionContext,
  getRunningLoop,
  type RunnerOptions,
  type RunOptions,
  run,
  sleep,
  wrapPromise,
} from 'asyncio-ts';
import {
  type BaseProtocol,
  Protocol,
  type Server,
  type StreamReader,
  type StreamWriter,
  type Transport,
} from 'asyncio-ts/node';
import { expect, onTestFinished } from 'vitest';
import type { Body, Spelling } from '../../../support/spellings.ts';
import { text } from '../../streams/support.ts';

export const LOCAL = '127.0.0.1';

/** What the system holds open for sockets, for each kind of handle. */
function sockets(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo())
    if (/TCP|Pipe|TLS|Connect/.test(name)) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** How many rounds of the runtime a socket may take to go. */
const PATIENCE = 5_000;

/**
 * A test whose body is a program on the real network of this machine.
 *
 * A report to the exception handler fails it, unless the body takes it out of `reports`. So does a socket that is still open when
 * the body has ended: it is looked for before the loop closes, which would end it.
 */
export function networked(
  s: Spelling,
  body: Body<[reports: ExceptionContext[]], void>,
  options: RunnerOptions & RunOptions = {},
): () => Promise<void> {
  return async () => {
    const reports: ExceptionContext[] = [];
    const before = sockets();
    const main = s.fn(function* () {
      getRunningLoop().setExceptionHandler((_loop, context) => {
        reports.push(context);
      });
      yield* body(reports);
      const left = () => Object.entries(sockets()).filter(([name, count]) => count > (before[name] ?? 0));
      for (let i = 0; i < PATIENCE && left().length > 0; i++) yield* s.wait(wrapPromise(macrotask()));
      expect(left(), 'sockets that are still open').toEqual([]);
    });
    await run(main, options);
    expect(reports).toEqual([]);
  };
}

/** Waits until a condition holds: for ever, when it never does. */
export function* until(s: Spelling, condition: () => boolean): Generator<unknown, void, unknown> {
  while (!condition()) yield* s.wait(sleep(0));
}

/** Lets the runtime look for events so many times. */
export function* rounds(s: Spelling, count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i++) yield* s.wait(wrapPromise(macrotask()));
}

/** Takes the only report. */
export function theReport(reports: ExceptionContext[]): ExceptionContext {
  expect(reports).toHaveLength(1);
  return reports.pop()!;
}

/** A folder of the test's own, whose path is short enough for a socket. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'aio-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A handler that sends back what comes, and closes when the peer does. */
export function echo(s: Spelling) {
  return s.fn(function* echo(reader: StreamReader, writer: StreamWriter) {
    while (true) {
      const chunk = yield* s.wait(reader.read(65_536));
      if (chunk.length === 0) break;
      writer.write(chunk);
      yield* s.wait(writer.drain());
    }
    writer.close();
  });
}

/** A handler that sends something, and then nothing more. It keeps references to its connections, so that they are not closed by the garbage collector. */
export function silent(first = ''): (reader: StreamReader, writer: StreamWriter) => void {
  const kept: StreamWriter[] = [];
  return (_reader, writer) => {
    kept.push(writer);
    writer.write(first);
  };
}

/** Sends something over a connection to an echo server, and reads it. */
export function* hears(
  s: Spelling,
  { reader, writer }: { readonly reader: StreamReader; readonly writer: StreamWriter },
  what = 'hello\n',
): Generator<unknown, void, unknown> {
  writer.write(what);
  yield* s.wait(writer.drain());
  expect(text(yield* s.wait(reader.readexactly(what.length)))).toBe(what);
}

/** Closes a connection, and waits until it is gone. */
export function* closed(s: Spelling, writer: StreamWriter): Generator<unknown, void, unknown> {
  writer.close();
  yield* s.wait(writer.waitClosed());
}

/** Ends a server with all its connections. */
export function* ended(s: Spelling, server: Server): Generator<unknown, void, unknown> {
  server.close();
  server.abortClients();
  yield* s.wait(server.waitClosed());
}

/** A protocol that notes its calls. */
export class Notes extends Protocol {
  readonly calls: string[] = [];
  transport: Transport | null = null;
  received = '';
  error: unknown = undefined;
  /** How much was left to send when writing was resumed. */
  sizeAtResume = -1;
  sizeOf: () => number = () => -1;
  /** What `eofReceived` answers. */
  keepsOpen: boolean;

  constructor(keepsOpen = false) {
    super();
    this.keepsOpen = keepsOpen;
  }

  get isLost(): boolean {
    return this.error !== undefined;
  }

  override connectionMade(transport: Transport): void {
    this.calls.push('made');
    this.transport = transport;
  }

  override dataReceived(data: Uint8Array): void {
    if (this.calls.at(-1) !== 'data') this.calls.push('data');
    this.received += text(data);
  }

  override eofReceived(): boolean {
    this.calls.push('eof');
    return this.keepsOpen;
  }

  override connectionLost(error: unknown): void {
    this.calls.push('lost');
    this.error = error;
  }

  override pauseWriting(): void {
    this.calls.push('pause');
  }

  override resumeWriting(): void {
    this.sizeAtResume = this.sizeOf();
    this.calls.push('resume');
  }
}

/** A factory that remembers what it made. */
export function making<P extends BaseProtocol>(make: () => P): (() => P) & { readonly made: P[] } {
  const made: P[] = [];
  return Object.assign(
    () => {
      const protocol = make();
      made.push(protocol);
      return protocol;
    },
    { made },
  );
}
