import { getRunningLoop, ValueError } from 'asyncio-ts';
import { createDatagramEndpoint, DatagramProtocol, openConnection, StreamReader, startServer } from 'asyncio-ts/node';
import { expect, it } from 'vitest';
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
