import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { listeningPorts, portsOfLsof, portsOfNetstat } from '../../../../src/cli/attach/listening-ports.ts';

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
