import { createSocket } from 'node:dgram';
import { CancelledError, createTask, newEventLoop, sleep } from 'asyncio-ts';
import { createDatagramEndpoint, type DatagramOptions, type DatagramTransport } from 'asyncio-ts/node';
import { expect, test } from 'vitest';
import { ConnectionRefusedError, OSError } from '../../../../src/errors/os-error.ts';
import { failure, iterations } from '../../../support/programs.ts';
import { realProgram } from '../../../support/real-programs.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { nameOf, noSocketIsOpen, peerOf, Recorder } from './support.ts';

const LOCAL = { localAddr: ['127.0.0.1', 0] } as const;

function make(options: DatagramOptions) {
  return createDatagramEndpoint(() => new Recorder(), options);
}

/** Waits for a call of a protocol; gives its arguments. */
function* call(s: Spelling, protocol: Recorder, name: string): Generator<unknown, unknown[], unknown> {
  for (;;) {
    const found = protocol.calls.find(([called]) => called === name);
    if (found !== undefined) return found.slice(1);
    yield* s.wait(sleep(0));
  }
}

/** Closes transports, and waits until their protocols know. */
function* close(s: Spelling, ...transports: DatagramTransport[]): Generator<unknown, void, unknown> {
  for (const transport of transports) {
    transport.close();
    yield* call(s, transport.getProtocol() as Recorder, 'lost');
  }
  yield* s.wait(createTask(noSocketIsOpen));
}

describeBoth('an endpoint for datagrams', (s) => {
  test(
    'exchanges them with another one',
    realProgram(s, function* () {
      const made = yield* s.wait(make(LOCAL));
      const [server, serverSide] = made;
      expect([made.transport, made.protocol]).toEqual([server, serverSide]);
      expect(serverSide.names).toEqual(['made']);
      expect(serverSide.transport).toBe(server);
      const address = nameOf(server);
      expect(address[0]).toBe('127.0.0.1');
      const [client, clientSide] = yield* s.wait(make({ remoteAddr: address }));
      expect(peerOf(client)).toEqual([...address]);
      expect(client.getExtraInfo('nothing', 'else')).toBe('else');
      const own = nameOf(client);
      client.sendto('ping');
      expect(yield* call(s, serverSide, 'received')).toEqual(['ping', own]);
      server.sendto(new TextEncoder().encode('pong'), own);
      expect(yield* call(s, clientSide, 'received')).toEqual(['pong', [...address]]);
      expect(`${client}`).toBe(`<UdpTransport open at=127.0.0.1:${own[1]} peer=127.0.0.1:${address[1]}>`);
      yield* close(s, client, server);
    }),
  );

  test(
    'carries empty datagrams, and gives plain bytes',
    realProgram(s, function* () {
      const [transport, protocol] = yield* s.wait(make(LOCAL));
      let received: unknown = null;
      protocol.datagramReceived = (data) => {
        received = data;
        protocol.calls.push(['received']);
      };
      transport.sendto('', nameOf(transport));
      yield* call(s, protocol, 'received');
      expect(Object.getPrototypeOf(received)).toBe(Uint8Array.prototype);
      expect(received).toHaveLength(0);
      yield* close(s, transport);
    }),
  );

  test(
    'sends to names, too',
    realProgram(s, function* () {
      const [transport, protocol] = yield* s.wait(make(LOCAL));
      const [, port] = nameOf(transport);
      transport.sendto('a', ['localhost', port]);
      expect(yield* call(s, protocol, 'received')).toEqual(['a', ['127.0.0.1', port]]);
      yield* close(s, transport);
    }),
  );

  test(
    'uses version 6 of the protocol',
    realProgram(s, function* () {
      const [transport, protocol] = yield* s.wait(make({ localAddr: ['::1', 0] }));
      const address = nameOf(transport);
      transport.sendto('a', address);
      expect(yield* call(s, protocol, 'received')).toEqual(['a', ['::1', address[1]]]);
      const [other] = yield* s.wait(make({ family: 6 }));
      expect(other.getExtraInfo('sockname')).toMatchObject({ host: '::', family: 6 });
      yield* close(s, transport, other);
    }),
  );

  test(
    'gets an error when no socket is at the address of the peer, and stays open',
    realProgram(s, function* () {
      const [gone] = yield* s.wait(make(LOCAL));
      const address = nameOf(gone);
      yield* close(s, gone);
      const [transport, protocol] = yield* s.wait(make({ remoteAddr: address }));
      transport.sendto('a');
      const [error] = yield* call(s, protocol, 'error');
      expect(error).toBeInstanceOf(ConnectionRefusedError);
      expect(error).toMatchObject({ code: 'ECONNREFUSED' });
      expect(transport.isClosing()).toBe(false);
      yield* close(s, transport);
    }),
  );

  test(
    'gets an error for a datagram that is too long, and stays open',
    realProgram(s, function* () {
      const [transport, protocol] = yield* s.wait(make(LOCAL));
      const address = nameOf(transport);
      transport.sendto(new Uint8Array(70_000), address);
      const [error] = yield* call(s, protocol, 'error');
      expect(error).toBeInstanceOf(OSError);
      expect(error).toMatchObject({ code: 'EMSGSIZE', syscall: 'send' });
      transport.sendto('short', address);
      expect((yield* call(s, protocol, 'received'))[0]).toBe('short');
      yield* close(s, transport);
    }),
  );

  test(
    'that may broadcast receives from others, though it sends to one',
    realProgram(s, function* () {
      const [listener, heard] = yield* s.wait(make({ localAddr: ['0.0.0.0', 0] }));
      const [, port] = nameOf(listener);
      const [caller, answered] = yield* s.wait(make({ remoteAddr: ['127.255.255.255', port], allowBroadcast: true }));
      expect(caller.getExtraInfo('peername', null)).toBe(null);
      caller.sendto('anybody?');
      const [message, from] = (yield* call(s, heard, 'received')) as [string, [string, number]];
      expect(message).toBe('anybody?');
      listener.sendto('me', from);
      expect(yield* call(s, answered, 'received')).toEqual(['me', [expect.any(String), port]]);
      yield* close(s, caller, listener);
    }),
  );

  test(
    'shares its address when it may, and not otherwise',
    realProgram(s, function* () {
      const [alone] = yield* s.wait(make(LOCAL));
      const taken = nameOf(alone);
      const error = yield* failure(s, make({ localAddr: taken }));
      expect(error).toBeInstanceOf(OSError);
      expect(error).toMatchObject({ code: 'EADDRINUSE', syscall: 'bind', port: taken[1] });
      expect(`${error}`).toContain(`bind to 127.0.0.1:${taken[1]}`);
      const [first] = yield* s.wait(make({ ...LOCAL, reusePort: true }));
      const shared = nameOf(first);
      const [second] = yield* s.wait(make({ localAddr: shared, reusePort: true }));
      expect(nameOf(second)).toEqual([...shared]);
      for (const transport of [alone, first, second]) transport.close();
      yield* close(s, second);
    }),
  );

  test(
    'is made of a socket of the runtime, bound or not',
    realProgram(s, function* () {
      const unbound = createSocket('udp4');
      const [first, received] = yield* s.wait(make({ sock: unbound }));
      expect(first.getExtraInfo('socket')).toBe(unbound);
      const address = nameOf(first);
      const bound = createSocket('udp4');
      const isConnected = new Promise<void>((resolve) => {
        bound.bind(0, '127.0.0.1', () => bound.connect(address[1], '127.0.0.1', resolve));
      });
      yield* s.wait(createTask(() => isConnected));
      const [second] = yield* s.wait(make({ sock: bound }));
      expect(peerOf(second)).toEqual(['127.0.0.1', address[1]]);
      second.sendto('a');
      expect(yield* call(s, received, 'received')).toEqual(['a', nameOf(second)]);
      first.close();
      yield* close(s, second);
    }),
  );

  test(
    'fails for names without address, and for addresses that do not fit together',
    realProgram(s, function* () {
      expect(yield* failure(s, make({ localAddr: ['no-such-host.invalid', 0] }))).toMatchObject({
        name: 'GetAddrInfoError',
      });
      expect(yield* failure(s, make({ localAddr: ['127.0.0.1', 0], remoteAddr: ['::1', 9] }))).toMatchObject({
        name: 'ValueError',
        code: 'NO_COMMON_FAMILY',
      });
      const elsewhere = yield* failure(s, make({ localAddr: ['192.0.2.1', 0] }));
      expect(elsewhere).toMatchObject({ name: 'OSError', code: 'EADDRNOTAVAIL' });
      yield* s.wait(createTask(noSocketIsOpen));
    }),
  );

  test(
    'leaves no socket when the factory fails, or the task is cancelled at any of its waits',
    realProgram(s, function* () {
      const fails = () => {
        throw new Error('no protocol');
      };
      expect(`${yield* failure(s, createDatagramEndpoint(fails, LOCAL))}`).toBe('Error: no protocol');
      yield* s.wait(createTask(noSocketIsOpen));
      let cancelled = 0;
      for (let after = 0; after < 8; after++) {
        const protocol = new Recorder();
        const task = createTask(() =>
          createDatagramEndpoint(() => protocol, { localAddr: ['127.0.0.1', 0], remoteAddr: ['127.0.0.1', 9] }),
        );
        yield* iterations(s, after);
        if (task.cancel()) {
          expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
          cancelled++;
        } else {
          task.result().transport.close();
        }
        if (protocol.transport !== null) yield* call(s, protocol, 'lost');
        yield* s.wait(createTask(noSocketIsOpen));
      }
      expect(cancelled).toBeGreaterThan(2);
    }),
  );
});

test('a socket ends with the loop that it belongs to', async () => {
  const loop = newEventLoop();
  const protocol = new Recorder();
  await loop.runUntilComplete(createDatagramEndpoint(() => protocol, LOCAL));
  loop.close();
  await noSocketIsOpen();
  expect(protocol.names).toEqual(['made']);
});
