import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { RuntimeError, ValueError, wrapPromise } from 'asyncio-ts';
import {
  createConnection,
  createServer,
  openConnection,
  openFile,
  type StreamReader,
  type StreamWriter,
  sendfile,
  startServer,
  type Transport,
} from 'asyncio-ts/node';
import { expect, it } from 'vitest';
import { failure } from '../../../support/programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { folder, LOCAL, making, Notes, networked } from './support.ts';

/** A file of more than the marks of a transport and the kernel's buffers hold. */
function bigFile(): { readonly file: string; readonly content: Uint8Array } {
  const file = path.join(folder(), 'content');
  const content = new Uint8Array(3_000_001).map((_, i) => (i * 7) % 251);
  writeFileSync(file, content);
  return { file, content };
}

/** A server that gives everything that it has read. */
function* collecting(s: Spelling) {
  const received = Promise.withResolvers<Uint8Array>();
  const handler = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
    received.resolve(yield* s.wait(reader.read()));
    writer.close();
  });
  const server = yield* s.wait(startServer(handler, LOCAL, 0));
  return { server, received: received.promise };
}

describeBoth('sendfile', (s) => {
  it(
    'sends a file through a stream, at the pace of the peer, after what was written before',
    networked(s, function* () {
      const { file, content } = bigFile();
      const { server, received } = yield* collecting(s);
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const opened = yield* s.wait(openFile(file));
      writer.write('begin');
      expect(yield* s.wait(sendfile(writer.transport as Transport, opened))).toBe(content.length);
      expect(writer.transport.getWriteBufferSize()).toBeLessThan(600_000);
      expect(yield* s.wait(opened.tell())).toBe(content.length);
      writer.write('end');
      writer.close();
      yield* s.wait(opened.close());
      const all = yield* s.wait(wrapPromise(received));
      expect(new TextDecoder().decode(all.subarray(0, 5))).toBe('begin');
      expect(Buffer.compare(all.subarray(5, -3), content)).toBe(0);
      expect(new TextDecoder().decode(all.subarray(-3))).toBe('end');
      yield* s.wait(server.shutdown(5));
    }),
  );

  it(
    'sends a part of a file',
    networked(s, function* () {
      const { file, content } = bigFile();
      const { server, received } = yield* collecting(s);
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const opened = yield* s.wait(openFile(file));
      const transport = writer.transport as Transport;
      expect(yield* s.wait(sendfile(transport, opened, { offset: 10, count: 300_000 }))).toBe(300_000);
      expect(yield* s.wait(sendfile(transport, opened, { offset: content.length - 5, count: 100 }))).toBe(5);
      expect(yield* s.wait(sendfile(transport, opened, { offset: content.length + 5 }))).toBe(0);
      yield* s.wait(opened.close());
      writer.close();
      const all = yield* s.wait(wrapPromise(received));
      expect(Buffer.compare(all.subarray(0, 300_000), content.subarray(10, 300_010))).toBe(0);
      expect(Buffer.compare(all.subarray(300_000), content.subarray(-5))).toBe(0);
      yield* s.wait(server.shutdown(5));
    }),
  );

  it(
    'gives the protocol its place back, which is called for everything that concerns it',
    networked(s, function* () {
      const { file } = bigFile();
      const factory = making(() => new Notes());
      const server = yield* s.wait(createServer(factory, LOCAL, 0));
      const [transport, protocol] = yield* s.wait(createConnection(() => new Notes(), LOCAL, server.port));
      const opened = yield* s.wait(openFile(file));
      yield* s.wait(sendfile(transport, opened, { count: 1_000_000 }));
      expect(transport.getProtocol()).toBe(protocol);
      expect(transport.isReading()).toBe(true);
      yield* s.wait(opened.close());
      transport.abort();
      server.close();
      server.abortClients();
      yield* s.wait(server.waitClosed());
    }),
  );

  it(
    'refuses what it cannot send, and transports that are closing',
    networked(s, function* () {
      const { file } = bigFile();
      const { server } = yield* collecting(s);
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const transport = writer.transport as Transport;
      const opened = yield* s.wait(openFile(file));
      const asText = yield* s.wait(openFile(file, { encoding: 'latin1' }));
      expect(() => sendfile(transport, asText as never)).toThrow(TypeError);
      expect(() => sendfile(transport, file as never)).toThrow(/a file that openFile has opened without an encoding/);
      expect(() => sendfile({} as never, opened)).toThrow(/a transport is required/);
      expect(() => sendfile(transport, opened, { offset: -1 })).toThrow(ValueError);
      expect(() => sendfile(transport, opened, { count: -1 })).toThrow(ValueError);
      writer.close();
      expect(yield* failure(s, sendfile(transport, opened))).toBeInstanceOf(RuntimeError);
      yield* s.wait(opened.close());
      yield* s.wait(asText.close());
      yield* s.wait(server.shutdown(5));
    }),
  );
});
