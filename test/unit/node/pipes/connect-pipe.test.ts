import { PassThrough, type Writable } from 'node:stream';
import { getRunningLoop, run, wrapPromise } from 'asyncio-ts';
import {
  type BaseTransport,
  connectReadPipe,
  connectWritePipe,
  Protocol,
  type ReadTransport,
  StreamReader,
  StreamReaderProtocol,
  StreamWriter,
} from 'asyncio-ts/node';
import { expect, test } from 'vitest';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Notes what it is told. */
class Notes extends Protocol {
  readonly notes: string[] = [];
  readonly lost = getRunningLoop().createFuture<void>();
  transport: ReadTransport | null = null;

  override connectionMade(transport: BaseTransport): void {
    this.transport = transport as ReadTransport;
    this.notes.push('made');
  }

  override dataReceived(data: Uint8Array): void {
    this.notes.push(text(data));
  }

  override eofReceived(): void {
    this.notes.push('eof');
  }

  override connectionLost(error: unknown): void {
    this.notes.push(`lost ${error}`);
    this.lost.setResult(undefined);
  }
}

/** Pauses at the first piece, whatever else has come by then. */
class Pausing extends Notes {
  override dataReceived(data: Uint8Array): void {
    super.dataReceived(data);
    this.transport?.pauseReading();
  }
}

/** Some turns of the runtime: streams in memory have nothing more to say then. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

describeBoth('connectReadPipe', (s) => {
  test('calls a protocol for bytes that arrive, for the end, and when the pipe is closed', async () => {
    const main = s.fn(function* () {
      const pipe = new PassThrough();
      const [transport, protocol] = yield* s.wait(connectReadPipe(() => new Notes(), pipe));
      expect(protocol.notes).toEqual(['made']);
      expect(transport.getProtocol()).toBe(protocol);
      expect(transport.getExtraInfo('pipe')).toBe(pipe);
      pipe.end('hello');
      yield* s.wait(protocol.lost);
      expect(protocol.notes).toEqual(['made', 'hello', 'eof', 'lost null']);
      expect(transport.isClosing()).toBe(true);
    });
    await run(main);
  });

  test('keeps bytes for a protocol that pauses, and the end after them', async () => {
    const main = s.fn(function* () {
      const pipe = new PassThrough();
      const [transport, protocol] = yield* s.wait(connectReadPipe(() => new Pausing(), pipe));
      pipe.write('one');
      pipe.end('two');
      yield* s.wait(wrapPromise(quiet()));
      expect(protocol.notes).toEqual(['made', 'one']);
      transport.resumeReading();
      yield* s.wait(wrapPromise(quiet()));
      expect(protocol.notes).toEqual(['made', 'one', 'two']);
      transport.resumeReading();
      yield* s.wait(protocol.lost);
      expect(protocol.notes).toEqual(['made', 'one', 'two', 'eof', 'lost null']);
    });
    await run(main);
  });

  test('reports an error of the stream', async () => {
    const main = s.fn(function* () {
      const pipe = new PassThrough();
      const [, protocol] = yield* s.wait(connectReadPipe(() => new Notes(), pipe));
      pipe.destroy(new RangeError('broken'));
      yield* s.wait(protocol.lost);
      expect(protocol.notes).toEqual(['made', 'lost RangeError: broken']);
    });
    await run(main);
  });

  test('feeds a stream', async () => {
    const main = s.fn(function* () {
      const pipe = new PassThrough();
      const reader = new StreamReader();
      yield* s.wait(connectReadPipe(() => new StreamReaderProtocol(reader), pipe));
      pipe.end('one\ntwo\n');
      expect(text(yield* s.wait(reader.readline()))).toBe('one\n');
      expect(text(yield* s.wait(reader.read()))).toBe('two\n');
    });
    await run(main);
  });

  test('ends with its loop', async () => {
    const pipe = new PassThrough();
    const main = s.fn(function* () {
      yield* s.wait(connectReadPipe(() => new Notes(), pipe));
    });
    await run(main);
    expect(pipe.destroyed).toBe(true);
  });
});

describeBoth('connectWritePipe', (s) => {
  test('writes, waits while the stream is full, and closes', async () => {
    const main = s.fn(function* () {
      const pipe = new PassThrough();
      const reader = new StreamReader();
      const [transport, protocol] = yield* s.wait(connectWritePipe(() => new StreamReaderProtocol(reader), pipe));
      const writer = new StreamWriter(transport, protocol, null, getRunningLoop());
      const chunk = new Uint8Array(100_000);
      writer.write(chunk);
      writer.write(chunk);
      let length = 0;
      pipe.on('data', (data: Uint8Array) => {
        length += data.length;
      });
      yield* s.wait(writer.drain());
      expect(length).toBeGreaterThan(100_000);
      writer.close();
      yield* s.wait(writer.waitClosed());
      expect(length).toBe(200_000);
      expect(pipe.writableEnded).toBe(true);
    });
    await run(main);
  });
});

test('a value that is not a stream is refused at once', async () => {
  const main = function* () {
    const factory = () => new Notes();
    expect(() => connectReadPipe(factory, {} as PassThrough)).toThrow(
      'connectReadPipe: a readable stream of Node is required, got <Object object>',
    );
    expect(() => connectWritePipe(factory, null as never as Writable)).toThrow(
      'connectWritePipe: a writable stream of Node is required, got null',
    );
    expect(() => connectReadPipe(null as never, new PassThrough())).toThrow(TypeError);
  };
  await run(main);
});

describeBoth('a pipe whose protocol cannot be made', (s) => {
  for (const [name, connect] of [
    ['connectReadPipe', connectReadPipe],
    ['connectWritePipe', connectWritePipe],
  ] as const) {
    test(`is closed, and ${name} throws what the factory threw`, async () => {
      const main = s.fn(function* () {
        const pipe = new PassThrough();
        const broken = new Error('no protocol');
        const connecting = connect(() => {
          throw broken;
        }, pipe);
        expect(yield* failure(s, connecting)).toBe(broken);
        expect(pipe.destroyed).toBe(true);
        yield* s.wait(wrapPromise(quiet()));
      });
      await run(main);
    });
  }
});
