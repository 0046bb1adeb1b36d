// Runs the services of examples/services against a real PostgreSQL and Redis, each as a process.
//
//     npm run services                         # all of them, on the built package
//     npm run services -- hono                 # one of them
//     npm run services -- --requests 1000      # of the check that is about many; 10,000 for the first service, 3,000 for the others
//
// Exit status: 0 all passed, 1 something failed, 2 wrong arguments, 3 the servers are not installed.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect, parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { NotInstalled, type Servers, startServers } from '../../examples/services/servers.ts';
import { needBuild, skipped } from '../../scripts/lib/project.ts';
import { CHECKS, type World } from './checks.ts';
import { SERVICES, Service, type ServiceName } from './service.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { requests: { type: 'string' }, only: { type: 'string' } },
});
const unknown = positionals.filter((name) => !(SERVICES as readonly string[]).includes(name));
if (unknown.length > 0) {
  console.error(`services: there is no ${unknown.join(', ')}; there are ${SERVICES.join(', ')}`);
  process.exit(2);
}
needBuild();

let servers: Servers;
try {
  servers = await startServers();
} catch (error) {
  if (!(error instanceof NotInstalled)) throw error;
  skipped(`services: ${error.message}`);
  process.exit(3);
}

/** The other service: tells how much time it was given. */
const remote = http.createServer((request, response) => {
  response.end(JSON.stringify({ timeout: request.headers['x-request-timeout-ms'] }));
});
remote.listen(0, '127.0.0.1');
await once(remote, 'listening');

const env = {
  ...servers.env,
  REMOTE_URL: `http://127.0.0.1:${(remote.address() as AddressInfo).port}/`,
  DRAIN_SECONDS: '1',
};
const MANY = 10_000;
const FEWER = 3_000;
const world: World = {
  database: new pg.Pool({ connectionString: env.DATABASE_URL, max: 2 }),
  cache: new Redis(env.REDIS_URL),
  requests: 0,
};
world.database.on('error', () => {}); // of an idle connection, when the server is stopped
let passed = 0;
let failed = 0;

async function checkService(name: ServiceName, requests: number): Promise<void> {
  const service = await Service.start(name, env);
  try {
    for (const [title, check] of Object.entries(CHECKS)) {
      if (values.only !== undefined && !title.includes(values.only)) continue;
      const began = performance.now();
      let failure: unknown = null;
      try {
        await check(service, { ...world, requests });
      } catch (error) {
        failure = error;
      }
      const seconds = ((performance.now() - began) / 1_000).toFixed(2);
      console.log(`${failure === null ? 'passed' : 'FAILED'}  ${name.padEnd(9)}${title}  ${seconds} s`);
      if (failure === null) passed++;
      else {
        failed++;
        console.log(`${inspect(failure, { depth: 3 })}\n${service.errors}`.replaceAll(/^/gm, '        '));
      }
    }
  } finally {
    service.kill();
  }
}

try {
  for (const [i, name] of (positionals.length === 0 ? SERVICES : (positionals as ServiceName[])).entries())
    await checkService(name, values.requests === undefined ? (i === 0 ? MANY : FEWER) : Number(values.requests));
} finally {
  world.cache.disconnect();
  await world.database.end();
  remote.close();
  await servers.stop();
}
console.log(`services: ${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
