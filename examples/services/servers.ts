// PostgreSQL and Redis for a while: on free ports, in a folder that is deleted afterwards.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';

/** A server is not installed. The message says which package has it. */
export class NotInstalled extends Error {}

export interface Servers {
  /** What services need in their environment. */
  readonly env: { readonly DATABASE_URL: string; readonly REDIS_URL: string };
  stop(): Promise<void>;
}

/** The account that PostgreSQL is run by when we are root, which it refuses to be run by. Debian's package makes it. */
const ACCOUNT = 'postgres';

export async function startServers(): Promise<Servers> {
  const postgres = findPostgres();
  const redis = findOnPath('redis-server');
  if (redis === null) throw new NotInstalled('redis-server was not found; apt-get install redis-server');
  const folder = mkdtempSync(path.join(tmpdir(), 'services-'));
  const started: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map(end));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [postgresPort, redisPort] = [await freePort(), await freePort()];
    started.push(startRedis(redis, redisPort, folder), startPostgres(postgres, postgresPort, folder));
    const DATABASE_URL = `postgres://postgres@127.0.0.1:${postgresPort}/postgres`;
    await Promise.all([answers(redisPort), answersPostgres(DATABASE_URL)]);
    return { env: { DATABASE_URL, REDIS_URL: `redis://127.0.0.1:${redisPort}` }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startRedis(program: string, port: number, folder: string): ChildProcess {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function startPostgres(bin: string, port: number, folder: string): ChildProcess {
  const data = path.join(folder, 'postgres');
  mkdirSync(data);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    chmodSync(folder, 0o755);
    execFileSync('chown', [ACCOUNT, data]);
  }
  const owner = isRoot ? idsOf(ACCOUNT) : {};
  const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--no-locale'];
  execFileSync(path.join(bin, 'initdb'), initdb, { cwd: '/', stdio: 'ignore', ...owner });
  const args = ['-D', data, '-p', String(port), '-k', data, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'];
  return spawn(path.join(bin, 'postgres'), args, { cwd: '/', stdio: 'ignore', ...owner });
}

function idsOf(account: string): { uid: number; gid: number } {
  const id = (option: string): number => Number(execFileSync('id', [option, account], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** The folder of PostgreSQL's programs. */
function findPostgres(): string {
  const onPath = findOnPath('initdb');
  if (onPath !== null) return path.dirname(realpathSync(onPath));
  const installed = '/usr/lib/postgresql'; // where Debian has them
  const versions = existsSync(installed) ? readdirSync(installed).sort((a, b) => Number(b) - Number(a)) : [];
  const newest = versions.find((version) => existsSync(path.join(installed, version, 'bin/initdb')));
  if (newest === undefined) throw new NotInstalled('PostgreSQL was not found; apt-get install postgresql');
  return path.join(installed, newest, 'bin');
}

function findOnPath(name: string): string | null {
  const places = (process.env['PATH'] ?? '').split(path.delimiter).map((folder) => path.join(folder, name));
  return places.find((place) => existsSync(place)) ?? null;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

const ATTEMPTS = 300;
const PAUSE = 50;

async function answers(port: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await setTimeout(PAUSE);
    } finally {
      socket.destroy();
    }
  }
}

/** It takes connections before it takes queries. */
async function answersPostgres(connectionString: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({ connectionString });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await setTimeout(PAUSE);
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT'); // PostgreSQL: without waiting for its clients
  await ended;
}
