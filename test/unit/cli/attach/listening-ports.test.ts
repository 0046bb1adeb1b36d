import { createServer, type Server } from 'node:net';
import { expect, test, vi } from 'vitest';
import { listeningPorts, NewPorts, portsOfLsof, portsOfNetstat } from '../../../../src/cli/attach/listening-ports.ts';

test.runIf(process.platform === 'linux')('the ports of this process are found, also those of IPv6 only', async () => {
  const servers = await Promise.all(
    ['127.0.0.1', '::1'].map(async (host) => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, host, resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  expect(listeningPorts(process.pid)).toEqual(expect.arrayContaining(ports));
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  expect(listeningPorts(process.pid).filter((port) => ports.includes(port))).toEqual([]);
});

test('a port that is new is told once, and none that was there before', async () => {
  const listen = () =>
    new Promise<Server>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
    });
  const portOf = (server: Server) => (server.address() as { port: number }).port;
  const before = await listen();
  const ports = new NewPorts(process.pid);
  const server = await listen();
  const told: number[] = [];
  await vi.waitFor(() => {
    const port = ports.take();
    if (port !== null) told.push(port);
    expect(told).toContain(portOf(server));
  });
  await vi.waitFor(() => expect(ports.take()).toBe(null));
  expect(told.filter((port) => [portOf(before), portOf(server)].includes(port))).toEqual([portOf(server)]);
  for (const one of [before, server]) await new Promise((resolve) => one.close(resolve));
});

test('no ports are found of a process that does not exist', () => {
  expect(listeningPorts(2 ** 30)).toEqual([]);
});

test('the output of lsof is understood', () => {
  expect(portsOfLsof('p4711\nf20\nn127.0.0.1:9229\nf21\nn[::1]:8080\nf22\nn*:80\n')).toEqual([9229, 8080, 80]);
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
  expect(portsOfNetstat(output, 4711)).toEqual([9229, 8080]);
});
