import { CancelledError, createTask, getRunningLoop, run, sleep } from 'asyncio-ts';
import {
  ConnectionRefusedError,
  ConnectionResetError,
  openConnection,
  type StreamReader,
  type StreamWriter,
  startServer,
} from 'asyncio-ts/node';
import { equal, ok } from '../../lib/expect.ts';
import { subject } from '../../lib/registry.ts';
import type { Spelling, Steps } from '../../lib/spellings.ts';

const { checkBoth, live } = subject('servers');

const HOST = '127.0.0.1';

/** Says that it is there, and stays until its peer goes. */
function waiting(s: Spelling) {
  return s.fn(function* (reader: StreamReader, writer: StreamWriter) {
    writer.write('!');
    yield* s.wait(reader.read());
    writer.close();
  });
}

/** A connection that the server knows of. */
function* known(s: Spelling, port: number): Steps<readonly [StreamReader, StreamWriter]> {
  const connection = yield* s.wait(openConnection(HOST, port));
  yield* s.wait(connection.reader.readexactly(1));
  return connection;
}

live('serve until they are cancelled, then connections are refused', function* (s) {
  const server = yield* s.wait(startServer(waiting(s), HOST, 0, { startServing: false }));
  equal(server.isServing(), false);
  const serving = createTask(server.serveForever());
  while (!server.isServing()) yield* s.wait(sleep(0.001));
  const { port } = server;
  equal(server.sockets.length, 1);
  const [reader, writer] = yield* known(s, port);
  serving.cancel();
  yield* s.fails(serving, CancelledError);
  equal((yield* s.wait(reader.read())).length, 0, 'bytes at the end');
  writer.close();
  yield* s.wait(server.waitClosed());
  equal([server.isServing(), server.sockets.length], [false, 0]);
  yield* s.fails(openConnection(HOST, port), ConnectionRefusedError);
});

live('that are closed keep their connections, and close or abort them on demand', function* (s) {
  for (const how of ['closeClients', 'abortClients'] as const) {
    const server = yield* s.wait(startServer(waiting(s), HOST, 0));
    const { port } = server;
    const connections = [yield* known(s, port), yield* known(s, port)];
    server.close();
    yield* s.fails(openConnection(HOST, port), ConnectionRefusedError);
    server[how]();
    for (const [reader, writer] of connections) {
      try {
        equal((yield* s.wait(reader.read())).length, 0, 'bytes at the end');
      } catch (error) {
        ok(error instanceof ConnectionResetError && how === 'abortClients', `a reset of abortClients, not ${error}`);
      }
      writer.close();
    }
    yield* s.wait(server.waitClosed());
    equal(String(server), '<Server closed connections=0>');
  }
});

live('take a hundred connections at once', function* (s) {
  const echo = s.fn(function* (reader: StreamReader, writer: StreamWriter) {
    writer.write(yield* s.wait(reader.readline()));
    writer.close();
  });
  const server = yield* s.wait(startServer(echo, HOST, 0));
  const { port } = server;
  const client = s.fn(function* (i: number) {
    const [reader, writer] = yield* s.wait(openConnection(HOST, port));
    writer.write(`${i}\n`);
    equal(new TextDecoder().decode(yield* s.wait(reader.read())), `${i}\n`);
    writer.close();
    yield* s.wait(writer.waitClosed());
  });
  const tasks = Array.from({ length: 100 }, (_, i) => createTask(() => client(i)));
  for (const task of tasks) yield* s.wait(task);
  equal((yield* s.wait(server.shutdown(5))).cut, 0);
});

checkBoth('and connections are closed with their loop', async (s) => {
  const main = s.fn(function* () {
    const server = yield* s.wait(startServer(waiting(s), HOST, 0));
    yield* known(s, server.port);
    ok(getRunningLoop().isRunning(), 'a loop that runs');
    return server.port;
  });
  const port = await run(main);
  const again = s.fn(function* () {
    yield* s.fails(openConnection(HOST, port), ConnectionRefusedError);
    const server = yield* s.wait(startServer(waiting(s), HOST, port));
    yield* s.wait(server.shutdown(5));
  });
  await run(again);
});
