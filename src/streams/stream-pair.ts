import type { AwaitableCoroutine } from '../kernel/lowlevel.ts';
import type { StreamReader } from './stream-reader.ts';
import type { StreamWriter } from './stream-writer.ts';

/** The streams of a connection: by position as `[reader, writer]`, by name, and for `await using`, which closes it. */
export type StreamPair = readonly [reader: StreamReader, writer: StreamWriter] & {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  [Symbol.asyncDispose](): AwaitableCoroutine<void>;
};

/** The pair of a reader and its writer. */
export function streamPair(reader: StreamReader, writer: StreamWriter): StreamPair {
  return Object.assign([reader, writer] as const, {
    reader,
    writer,
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  });
}
