import { CancelledError, createTask, forEach, gather, RuntimeError, sleep } from 'asyncio-ts';
import { type Datagram, type DatagramSocket, openDatagramSocket } from 'asyncio-ts/node';
import { expect, test } from 'vitest';
import { ConnectionRefusedError } from '../../../../src/errors/os-error.ts';
import { failure, iterations } from '../../../support/programs.ts';
import { realProgram } from '../../../support/real-programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { noSocketIsOpen } from './support.ts';

const LOCAL = { localAddr: ['127.0.0.1', 0] } as const;

function text({ data }: Datagram): string {
  return new TextDecoder().decode(data);
}

/** Waits until so many datagrams have come, kept or not. */
function* arrived(s: Spelling, socket: DatagramSocket, count: number): Generator<unknown, void, unknown> {
  while (socket.buffered + socket.dropped < count) yield* s.wait(sleep(0));
}

describeBoth('a socket for datagrams', (s) => {
  test(
    'sends and receives, with and without a peer',
    realProgram(s, function* () {
      const server = yield* s.wait(openDatagramSocket(LOCAL));
      const client = yield* s.wait(openDatagramSocket({ remoteAddr: server.address }));
      expect([server.peer, [...client.peer!]]).toEqual([null, [...server.address]]);
      yield* s.wait(client.send('ping'));
      const request = yield* s.wait(server.receive());
      expect([text(request), [...request.address]]).toEqual(['ping', [...client.address]]);
      yield* s.wait(server.send(new Uint8Array([0x21]), request.address));
      expect(text(yield* s.wait(client.receive()))).toBe('!');
      expect(`${server}`).toBe(`<DatagramSocket at 127.0.0.1:${server.address.port}, 0 buffered>`);
      yield* s.wait(gather(client.close(), server.close()));
      expect(server.closed).toBe(true);
      yield* s.wait(createTask(noSocketIsOpen));
    }),
  );

  test(
    'gives datagrams to waiting tasks in the order in which they came, each once',
    realProgram(s, function* () {
      const socket = yield* s.wait(openDatagramSocket(LOCAL));
      const tasks = [1, 2, 3, 4].map(() => createTask(() => socket.receive()));
      yield* iterations(s, 2);
      tasks[1]!.cancel();
      for (const letter of ['a', 'b', 'c']) yield* s.wait(socket.send(letter, socket.address));
      expect(yield* failure(s, tasks[1]!)).toBeInstanceOf(CancelledError);
      const others = yield* s.wait(gather(tasks[0]!, tasks[2]!, tasks[3]!));
      expect(others.map(text)).toEqual(['a', 'b', 'c']);
      yield* s.wait(socket.close());
    }),
  );

  test(
    'keeps as many as it may, drops what comes then, and counts that',
    realProgram(s, function* () {
      const socket = yield* s.wait(openDatagramSocket({ ...LOCAL, maxBuffered: 3 }));
      for (let i = 0; i < 5; i++) yield* s.wait(socket.send(`${i}`, socket.address));
      yield* arrived(s, socket, 5);
      expect([socket.buffered, socket.dropped]).toEqual([3, 2]);
      expect(`${socket}`).toMatch(/, 3 buffered, 2 dropped>$/);
      expect(text(yield* s.wait(socket.receive()))).toBe('0');
      yield* s.wait(socket.send('5', socket.address));
      yield* arrived(s, socket, 5);
      const rest: string[] = [];
      for (let i = 0; i < 3; i++) rest.push(text(yield* s.wait(socket.receive())));
      expect(rest).toEqual(['1', '2', '5']);
      yield* s.wait(socket.close());
    }),
  );

  test(
    'is iterated until it is closed, and leaves nothing behind',
    realProgram(s, function* () {
      const socket = yield* s.wait(openDatagramSocket(LOCAL));
      const seen: string[] = [];
      const read = s.fn(function* () {
        const add = s.fn(function* (datagram: Datagram) {
          seen.push(text(datagram));
        });
        yield* s.wait(forEach(socket, add));
      });
      const reading = createTask(read);
      for (const letter of ['a', 'b']) yield* s.wait(socket.send(letter, socket.address));
      while (seen.length < 2) yield* s.wait(sleep(0));
      yield* s.wait(socket.close());
      yield* s.wait(reading);
      expect(seen).toEqual(['a', 'b']);
    }),
  );

  test(
    'that is closed still has what had come, then nothing',
    realProgram(s, function* () {
      const socket = yield* s.wait(openDatagramSocket(LOCAL));
      const address = socket.address;
      yield* s.wait(socket.send('a', address));
      yield* arrived(s, socket, 1);
      yield* s.wait(socket.close());
      expect(text(yield* s.wait(socket.receive()))).toBe('a');
      for (const wait of [() => socket.receive(), () => socket.send('b', address)]) {
        const error = (yield* failure(s, wait())) as RuntimeError;
        expect(error).toBeInstanceOf(RuntimeError);
        expect([error.code, error.message]).toEqual([
          'SOCKET_CLOSED',
          '<DatagramSocket closed, 0 buffered> is closed: open another one',
        ]);
      }
      yield* s.wait(socket.close());
    }),
  );

  test(
    'makes waiting tasks fail when it is closed',
    realProgram(s, function* () {
      const socket = yield* s.wait(openDatagramSocket(LOCAL));
      const waiting = createTask(() => socket.receive());
      yield* iterations(s, 2);
      yield* s.wait(socket.close());
      expect(yield* failure(s, waiting)).toMatchObject({ code: 'SOCKET_CLOSED' });
    }),
  );

  test(
    'throws what the system reports where something is received, each time once',
    realProgram(s, function* () {
      const gone = yield* s.wait(openDatagramSocket(LOCAL));
      const { address } = gone;
      yield* s.wait(gone.close());
      const socket = yield* s.wait(openDatagramSocket({ remoteAddr: address }));
      yield* s.wait(socket.send('a'));
      expect(yield* failure(s, socket.receive())).toBeInstanceOf(ConnectionRefusedError);
      expect(socket.buffered).toBe(0);
      yield* s.wait(socket.send('a'));
      expect(yield* failure(s, socket.receive())).toBeInstanceOf(ConnectionRefusedError);
      const again = yield* s.wait(openDatagramSocket({ localAddr: address }));
      yield* s.wait(again.send('b', socket.address));
      expect(text(yield* s.wait(socket.receive()))).toBe('b');
      yield* s.wait(gather(socket.close(), again.close()));
    }),
  );

  test(
    'makes a task that sends too much wait until there is room',
    realProgram(s, function* () {
      const socket = yield* s.wait(openDatagramSocket(LOCAL));
      const large = new Uint8Array(40_000);
      let sent = 0;
      const task = createTask(
        s.fn(function* () {
          for (let i = 0; i < 3; i++) {
            yield* s.wait(socket.send(large, socket.address));
            sent++;
          }
        }),
      );
      yield* iterations(s, 1);
      expect(sent).toBe(2);
      yield* s.wait(task);
      yield* arrived(s, socket, 3);
      yield* s.wait(socket.close());
    }),
  );

  test(
    'refuses what cannot be sent at once',
    realProgram(s, function* () {
      const socket = yield* s.wait(openDatagramSocket(LOCAL));
      expect(() => socket.send('a')).toThrow('send: the socket is not connected');
      expect(() => socket.send(1 as never, socket.address)).toThrow(
        'send: a Uint8Array or a string is required, got 1',
      );
      expect(() => socket.send('a', ['127.0.0.1', 0])).toThrow("send: port 0 cannot be a peer's port");
      yield* s.wait(socket.close());
    }),
  );

  test(
    'is closed by `await using`, also when the task is cancelled',
    realProgram(s, function* () {
      for (let after = 0; after < 8; after++) {
        const task = createTask(async () => {
          await using socket = await openDatagramSocket(LOCAL);
          await socket.receive();
        });
        yield* iterations(s, after);
        task.cancel();
        expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
        yield* s.wait(createTask(noSocketIsOpen));
      }
    }),
  );
});
