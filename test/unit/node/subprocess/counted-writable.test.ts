import { Writable } from 'node:stream';
import { setImmediate as macrotask } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CountedWritable, counted } from '../../../../src/node/subprocess/counted-writable.ts';
import { text } from './support.ts';

/** A stream that takes what it is given when the test says so. */
class Sink extends Writable {
  readonly taken: string[] = [];
  readonly pending: (() => void)[] = [];

  override _write(chunk: Uint8Array, _encoding: string, callback: (error?: Error | null) => void): void {
    this.pending.push(() => {
      this.taken.push(text(chunk));
      callback();
    });
  }
}

/** A counted stream over a sink, and the events that it has noted. */
function made() {
  const sink = new Sink();
  const stream = new CountedWritable(sink);
  const events: string[] = [];
  for (const name of ['finish', 'close', 'error'] as const)
    stream.on(name, (error?: Error) => events.push(error === undefined ? name : `${name} ${error.message}`));
  return { sink, stream, events };
}

describe('a counted stream', () => {
  it('knows how much has not been taken', async () => {
    const { sink, stream } = made();
    stream.write('one');
    stream.write('three');
    expect(stream.writableLength).toBe(8);
    sink.pending.shift()!();
    await macrotask();
    expect(stream.writableLength).toBe(5);
    sink.pending.shift()!();
    await macrotask();
    expect([stream.writableLength, sink.taken]).toEqual([0, ['one', 'three']]);
  });

  it('ends the stream behind it when everything is taken', async () => {
    const { sink, stream, events } = made();
    stream.end('last');
    await macrotask();
    expect([sink.writableEnded, events]).toEqual([false, []]);
    sink.pending.shift()!();
    await macrotask();
    expect([sink.writableFinished, sink.destroyed, events]).toEqual([true, true, ['finish', 'close']]);
  });

  it('fails with the stream behind it, and ends with it', async () => {
    const failing = made();
    failing.stream.write('x');
    failing.sink.destroy(new Error('EPIPE'));
    await macrotask();
    expect(failing.events).toEqual(['error EPIPE', 'close']);
    const closed = made();
    closed.sink.destroy();
    await macrotask();
    expect([closed.stream.destroyed, closed.events]).toEqual([true, ['close']]);
  });

  it('destroys the stream behind it', async () => {
    const { sink, stream, events } = made();
    stream.destroy();
    await macrotask();
    expect([sink.destroyed, events]).toEqual([true, ['close']]);
  });

  it('is not used where streams know how much they keep', () => {
    const sink = new Sink();
    expect(counted(sink)).toBe(sink);
  });
});
