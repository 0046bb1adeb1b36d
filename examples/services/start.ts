// Starts a service with a PostgreSQL and a Redis of its own: node examples/services/start.ts hono
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { startServers } from './servers.ts';

const name = process.argv[2] ?? 'hono';
if (!['hono', 'express', 'fastify'].includes(name)) {
  console.error(`there is no service ${name}; there are hono, express and fastify`);
  process.exit(2);
}
const servers = await startServers();
const service = spawn(process.execPath, [path.join(import.meta.dirname, name, 'main.ts')], {
  stdio: 'inherit',
  env: { ...process.env, ...servers.env },
});
// Ctrl-C reaches the whole group of processes; SIGTERM is passed on.
process.on('SIGINT', () => service.kill('SIGTERM'));
process.on('SIGTERM', () => service.kill('SIGTERM'));
[process.exitCode] = (await once(service, 'exit')) as [number | undefined];
await servers.stop();
