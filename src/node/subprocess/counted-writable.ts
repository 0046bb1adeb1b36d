import process from 'node:process';
import { Writable } from 'node:stream';

/**
 * A stream that counts its buffered bytes, in front of one that does not: the input stream of a process in Bun always reports 0, so
 * writers would not be slowed down.
 */
export class CountedWritable extends Writable {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    super({ autoDestroy: true, emitClose: true });
    this.#stream = stream;
    stream.on('error', (error) => this.destroy(error)).on('close', () => this.destroy());
  }

  override _write(chunk: Uint8Array, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#stream.write(chunk, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#stream.end(() => callback());
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stream.destroy();
    callback(error);
  }
}

/** The input of a process as a stream that counts its buffered bytes. */
export function counted(stream: Writable): Writable {
  return process.versions['bun'] === undefined ? stream : new CountedWritable(stream);
}
