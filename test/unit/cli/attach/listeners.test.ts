import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect, test, vi } from 'vitest';
import {
  hostOfHex,
  listenersOf,
  listenersOfLsof,
  listenersOfNetstat,
  NewListeners,
} from '../../../../src/cli/attach/listeners.ts';

test.runIf(process.platform === 'linux')(
  'the servers of this process are found with their addresses, also those of IPv6',
  async () => {
    const servers = await Promise.all(
      ['127.0.0.1', '::1'].map(async (host) => {
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(0, host, resolve));
        return server;
      }),
    );
    const places = servers.map((server) => {
      const { address, port } = server.address() as AddressInfo;
      return { host: address, port };
    });
    expect(listenersOf(process.pid)).toEqual(expect.arrayContaining(places));
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    expect(listenersOf(process.pid)).not.toEqual(expect.arrayContaining([places[0]]));
    expect(listenersOf(process.pid)).not.toEqual(expect.arrayContaining([places[1]]));
  },
);

test('a port that is new is told once, and none that was there before', async () => {
  const listen = () =>
    new Promise<Server>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
    });
  const portOf = (server: Server) => (server.address() as { port: number }).port;
  const before = await listen();
  const ports = new NewListeners(process.pid);
  const server = await listen();
  const told: number[] = [];
  await vi.waitFor(() => {
    const address = ports.take();
    if (address !== null) told.push(address.port);
    expect(told).toContain(portOf(server));
  });
  await vi.waitFor(() => expect(ports.take()).toBe(null));
  expect(told.filter((port) => [portOf(before), portOf(server)].includes(port))).toEqual([portOf(server)]);
  for (const one of [before, server]) await new Promise((resolve) => one.close(resolve));
});

test('no ports are found of a process that does not exist', () => {
  expect(listenersOf(2 ** 30)).toEqual([]);
});

test('the addresses in the tables of Linux are understood', () => {
  expect(hostOfHex('0100007F')).toBe('127.0.0.1');
  expect(hostOfHex('00000000000000000000000001000000')).toBe('::1');
  expect(hostOfHex('00000000000000000000000000000000')).toBe('::');
  expect(hostOfHex('B80D01200000000000000000EFBE0000')).toBe('2001:db8:0:0:0:0:0:beef');
  expect(hostOfHex('0000000000000000FFFF00000100007F')).toBe('0:0:0:0:0:ffff:7f00:1');
});

test('the output of lsof is understood', () => {
  expect(listenersOfLsof('p4711\nf20\nn127.0.0.1:9229\nf21\nn[::1]:8080\nf22\nn*:80\n')).toEqual([
    { host: '127.0.0.1', port: 9229 },
    { host: '::1', port: 8080 },
    { host: '127.0.0.1', port: 80 },
  ]);
});

test('the output of netstat is understood, in any language', () => {
  const output = `
Aktive Verbindungen

  Proto  Lokale Adresse         Remoteadresse          Status           PID
  TCP    0.0.0.0:135            0.0.0.0:0              ABHÖREN          1044
  TCP    127.0.0.1:9229         0.0.0.0:0              ABHÖREN          4711
  TCP    127.0.0.1:9229         127.0.0.1:50000        HERGESTELLT      4711
  TCP    [::1]:8080             [::]:0                 ABHÖREN          4711
`;
  expect(listenersOfNetstat(output, 4711)).toEqual([
    { host: '127.0.0.1', port: 9229 },
    { host: '::1', port: 8080 },
  ]);
});
