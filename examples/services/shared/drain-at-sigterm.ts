// How the services end when they are deployed anew.
import { drain, type ServerLike } from 'asyncio-ts/http';
import type { Redis } from 'ioredis';
import type { Database } from './database.ts';

/**
 * At the first SIGTERM: drains the server, tells what was cut, closes the connections, and ends the process with exit code 0. The process
 * ignores further ones: it may get two of them, from whoever ends it and from a program between, such as `npm start`; and without a listener
 * the second one would end it in the middle of its work.
 */
export function drainAtSigterm(server: ServerLike, database: Database, cache: Redis): void {
  let isStopping = false;
  process.on('SIGTERM', async () => {
    if (isStopping) return;
    isStopping = true;
    const { finished, cut } = await drain(server, Number(process.env['DRAIN_SECONDS'] ?? 10));
    console.log(`finished: ${finished}`);
    for (const name of cut) console.log(`cut: ${name}`);
    await database.close();
    await cache.quit();
    process.exit(0);
  });
}
