import type { Socket } from 'node:net';
import { Future } from 'asyncio-ts';
import { OSError, openConnection, SSLError, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { expect, it } from 'vitest';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { ended, LOCAL, networked, silent } from './support.ts';

describeBoth('a connection that is lost', (s) => {
  it(
    'ends a circle of write and drain that never had to wait, with the reason, which disposing does not throw again',
    networked(s, function* () {
      const outcome = new Future<unknown>();
      const handler = s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
        let reason: unknown = null;
        // Small enough to be taken by the system at once, each time: nothing here ever waits.
        for (const piece = new Uint8Array(1_000); reason === null; ) {
          writer.write(piece);
          try {
            yield* s.wait(writer.drain());
          } catch (error) {
            reason = error;
          }
        }
        yield* s.wait(writer[Symbol.asyncDispose]());
        outcome.setResult(reason);
      });
      const server = yield* s.wait(startServer(handler, LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* s.wait(reader.readexactly(5_000));
      (writer.getExtraInfo('socket') as Socket).resetAndDestroy();
      const reason = yield* s.wait(outcome);
      expect(reason).toBeInstanceOf(OSError);
      expect((reason as OSError).code).toMatch(/^(ECONNRESET|EPIPE)$/);
      yield* ended(s, server);
    }),
  );

  it(
    'fails a read with an error that the socket reports without ending, as with an alert of TLS',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent('hello'), LOCAL, 0));
      const { reader, writer } = yield* s.wait(openConnection(LOCAL, server.port));
      yield* s.wait(reader.readexactly(5));
      const socket = writer.getExtraInfo('socket') as Socket;
      const alert = Object.assign(new Error('certificate required'), {
        code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      });
      socket.emit('error', alert);
      expect(writer.isClosing()).toBe(true);
      expect(yield* failure(s, reader.readline())).toBeInstanceOf(SSLError);
      writer.close();
      expect(yield* failure(s, writer.waitClosed())).toMatchObject({
        code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      });
      yield* ended(s, server);
    }),
  );
});
