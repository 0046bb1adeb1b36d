import { getRunningLoop, ValueError } from 'asyncio-ts';
import {
  createDatagramEndpoint,
  createSubprocessExec,
  DatagramProtocol,
  getaddrinfo,
  openConnection,
  openDatagramSocket,
  openFile,
  StreamReader,
  startServer,
} from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { describeBoth } from '../../support/spellings.ts';
import { LOCAL, networked, silent } from './net/support.ts';

describeBoth('what Python takes by position can be given by position, too', (s) => {
  it(
    'the limit and the loop of a reader',
    networked(s, function* () {
      expect(String(new StreamReader(10, getRunningLoop()))).toBe('<StreamReader limit=10>');
      expect(String(new StreamReader({ limit: 10 }))).toBe('<StreamReader limit=10>');
      expect(() => new StreamReader(0)).toThrow(ValueError);
      expect(() => new StreamReader(null as never)).toThrow('StreamReader: limit must be a number of bytes, got null');
    }),
  );

  it(
    'the marks of a transport',
    networked(s, function* () {
      const server = yield* s.wait(startServer(silent(), LOCAL, 0));
      const { writer } = yield* s.wait(openConnection(LOCAL, server.port));
      const { transport } = writer;
      transport.setWriteBufferLimits(1_000, 10);
      expect(transport.getWriteBufferLimits()).toEqual([10, 1_000]);
      transport.setWriteBufferLimits(2_000);
      expect(transport.getWriteBufferLimits()).toEqual([500, 2_000]);
      transport.setWriteBufferLimits(null, 100);
      expect(transport.getWriteBufferLimits()).toEqual([100, 400]);
      transport.setWriteBufferLimits({ high: 30, low: 20 });
      expect(transport.getWriteBufferLimits()).toEqual([20, 30]);
      expect(() => transport.setWriteBufferLimits(10, 20)).toThrow(ValueError);
      transport.setWriteBufferLimits();
      expect(transport.getWriteBufferLimits()).toEqual([16_384, 65_536]);
      transport.abort();
      server.close();
      server.abortClients();
      yield* s.wait(server.waitClosed());
    }),
  );

  it(
    'the addresses of a datagram endpoint',
    networked(s, function* () {
      const factory = () => new DatagramProtocol();
      const [server] = yield* s.wait(createDatagramEndpoint(factory, [LOCAL, 0]));
      const address = server.getExtraInfo('sockname') as readonly [string, number];
      const [client] = yield* s.wait(createDatagramEndpoint(factory, null, address));
      expect(client.getExtraInfo('peername')).toEqual(address);
      expect(() => createDatagramEndpoint(factory, null)).toThrow(TypeError);
      expect(() => createDatagramEndpoint(factory, null, null, {})).toThrow(ValueError);
      client.close();
      server.close();
    }),
  );
});

describe('a Python keyword argument in the wrong form', () => {
  const any = (value: unknown) => value as never;
  const protocol = () => new DatagramProtocol();
  const wrong: readonly (readonly [what: string, call: () => unknown, says: string])[] = [
    ['openConnection', () => openConnection(LOCAL, 1, any({ ssl_handshake_timeout: 5 })), '{ sslHandshakeTimeout: … }'],
    ['startServer', () => startServer(silent(), LOCAL, 0, any({ start_serving: false })), '{ startServing: … }'],
    [
      'openFile',
      () => openFile('/', 'r', any({ read_only: true })),
      'its options are mode, permissions, encoding, errors',
    ],
    ['openFile with a misspelt option', () => openFile('/', 'r', any({ encodings: 'utf-8' })), '{ encoding: … }'],
    [
      'createDatagramEndpoint',
      () => createDatagramEndpoint(protocol, any({ local_addr: [LOCAL, 0] })),
      '{ localAddr: … }',
    ],
    ['openDatagramSocket', () => openDatagramSocket(any({ local_addr: [LOCAL, 0] })), '{ localAddr: … }'],
    [
      'createSubprocessExec',
      () => createSubprocessExec('true', any({ start_new_session: true })),
      '{ startNewSession: … }',
    ],
    ['getaddrinfo', () => getaddrinfo('localhost', 80, any(4)), '{ family: 4 }'],
    ['StreamReader', () => new StreamReader(any({ limits: 5 })), 'write { limit: … }'],
    [
      'readuntil',
      () => new StreamReader({ loop: any(null) }).readuntil(any({ sep: 'x' })),
      "there is no option 'sep'; write { separator: … }",
    ],
  ];

  it.each(wrong)('of %s is answered with the right one', (_, call, says) => {
    expect(call).toThrow(says);
  });
});
