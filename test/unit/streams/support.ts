import { getRunningLoop } from 'asyncio-ts';
import {
  type BaseProtocol,
  type Bytes,
  Protocol,
  StreamReader,
  type StreamReaderOptions,
  type Transport,
} from 'asyncio-ts/node';
import { expect } from 'vitest';

/** The bytes of a text, one for each character. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The text of bytes, which must be plain ones: a runtime's own kind would show what lies around it. */
export function text(data: unknown): string {
  expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
  return Buffer.from(data as Uint8Array).toString('latin1');
}

/** A reader that was fed with these chunks. */
export function fed(chunks: readonly string[], options: StreamReaderOptions = {}): StreamReader {
  const reader = new StreamReader(options);
  for (const chunk of chunks) reader.feedData(bytes(chunk));
  return reader;
}

/** What a reader keeps; takes it. */
export function rest(reader: StreamReader): string {
  return text(reader.takeUnread());
}

/** Calls a function when the task that runs now waits. */
export function soon(fn: () => void): void {
  getRunningLoop().callSoon(fn);
}

/** A transport that leads nowhere, and notes what is done with it. */
export class FakeTransport implements Transport {
  readonly calls: string[] = [];
  readonly written: Bytes[] = [];
  closing = false;
  reading = true;
  #protocol: BaseProtocol;

  constructor(protocol: BaseProtocol = new Protocol()) {
    this.#protocol = protocol;
  }

  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return name === 'peername' ? 'the peer' : otherwise;
  }

  isClosing(): boolean {
    return this.closing;
  }

  close(): void {
    this.calls.push('close');
    this.closing = true;
  }

  abort(): void {
    this.calls.push('abort');
    this.closing = true;
  }

  setProtocol(protocol: BaseProtocol): void {
    this.#protocol = protocol;
  }

  getProtocol(): BaseProtocol {
    return this.#protocol;
  }

  isReading(): boolean {
    return this.reading;
  }

  pauseReading(): void {
    this.calls.push('pauseReading');
    this.reading = false;
  }

  resumeReading(): void {
    this.calls.push('resumeReading');
    this.reading = true;
  }

  write(data: Bytes): void {
    this.written.push(data);
  }

  writelines(data: Iterable<Bytes>): void {
    this.written.push(...data);
  }

  writeEof(): void {
    this.calls.push('writeEof');
  }

  canWriteEof(): boolean {
    return true;
  }

  getWriteBufferSize(): number {
    return 0;
  }

  getWriteBufferLimits(): readonly [low: number, high: number] {
    return [0, 0];
  }

  setWriteBufferLimits(): void {}

  toString(): string {
    return '<FakeTransport>';
  }
}
