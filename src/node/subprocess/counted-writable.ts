import process from 'node:process';
import { Writable } from 'node:stream';

/**
 * A stream that knows how much it keeps, in front of one that does not: Bun's input of a process says 0 whatever it was given, and
 * nobody who writes would be slowed down.
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

/** The input of a process as a stream that knows how much it keeps. */
export function counted(stream: Writable): Writable {
  return process.versions['bun'] === undefined ? stream : new CountedWritable(stream);
}
