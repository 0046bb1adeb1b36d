// The first Ctrl-C cancels the main task, the second does not wait for it. A server with one client that does not read
// ends at the second one at the latest, with exit code 130.
import { fileURLToPath } from 'node:url';
import { check, child, dist, done, runtime, skip, temporary } from '../lib.mjs';

if (runtime === 'deno') skip('Deno does not signal its own child processes reliably');
const cli = fileURLToPath(`${dist}cli/main.js`);
const server = (work) =>
  temporary(
    `server-${Math.random()}.mjs`,
    `
import net from 'node:net';
import { startServer } from '${dist}node/index.js';
export async function main() {
  const server = await startServer(async (reader, writer) => { await using _ = writer; ${work} }, '127.0.0.1', 0);
  const client = net.connect(server.port, '127.0.0.1');
  client.on('error', () => {});
  client.pause();
  setTimeout(console.log, 300, 'up');
  await server.serveForever();
}`,
  );
const stalled = await child([cli, 'run', server('writer.write(new Uint8Array(20_000_000)); await writer.drain();')], {
  interrupts: [0.2, 1.5],
  limit: 6,
});
check('a client that does not read', [stalled.hung, stalled.code], [false, 130]);
const idle = await child([cli, 'run', server('await reader.read();')], { interrupts: [0.2, 1.5], limit: 6 });
check('a client that is idle', [idle.hung, idle.code], [false, 130]); // control: holds today
done();
