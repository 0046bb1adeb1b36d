import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createTask, shared, sleep } from 'asyncio-ts';
import { Missing } from '../../peers/lib/checks.ts';
import { findProgram, output, Program } from '../../peers/lib/programs.ts';
import { freePort } from '../../peers/lib/servers.ts';

/** How long a server may take to start, in tenths of a second. */
const PATIENCE = 300;

/** A server that was started for the checks, on 127.0.0.1. */
export interface Server {
  readonly port: number;
  /** What to set in the environment of an example. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** The servers, each started when it is first asked for. */
export class Servers implements AsyncDisposable {
  readonly #folder: string;
  readonly #started: Server[] = [];

  constructor(folder: string) {
    this.#folder = folder;
    chmodSync(folder, 0o711); // servers under other accounts have folders in it
  }

  /** @throws {Missing} when it is not installed */
  readonly postgres = this.#once(startPostgres);
  readonly redis = this.#once(startRedis);
  readonly mariadb = this.#once(startMariadb);
  readonly nats = this.#once(startNats);

  /** Begins to start those that take long, while others are checked. One that is missing is told to whoever asks for it. */
  prepare(recipes: readonly string[]): void {
    const start = { pg: this.postgres, mysql2: this.mariadb };
    for (const [recipe, server] of Object.entries(start)) {
      if (recipes.includes(recipe)) createTask(async () => await server().catch(() => null));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((server) => server.stop()));
  }

  #once(start: (folder: string) => Promise<Server>) {
    return shared(
      async () => {
        const server = await start(this.#folder);
        this.#started.push(server);
        return server;
      },
      { keep: true },
    );
  }
}

async function startPostgres(place: string): Promise<Server> {
  const bin = findPostgres();
  const { folder, as } = folderOf(place, 'postgres', 'postgres');
  const data = path.join(folder, 'data');
  await runAs(as, path.join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '--no-locale']);
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', 'fsync=off', 'logging_collector=off', 'max_connections=200'];
  const server = startAs(as, path.join(bin, 'postgres'), [
    ...['-D', data, '-p', String(port), '-k', folder],
    ...settings.flatMap((setting) => ['-c', setting]),
  ]);
  await untilSaid(server, 'PostgreSQL', /ready to accept connections/);
  return {
    port,
    env: { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' },
    // Its own process is asked, because the one that changes the account passes on only some signals.
    stop: () => stopProcess(server, path.join(data, 'postmaster.pid'), 'SIGINT'),
  };
}

async function startMariadb(place: string): Promise<Server> {
  const program = findProgram('mariadbd', '/usr/sbin/mariadbd');
  const installer = findProgram('mariadb-install-db');
  if (program === null || installer === null)
    throw new Missing('MariaDB was not found; apt-get install mariadb-server');
  const { folder, as } = folderOf(place, 'mariadb', 'mysql');
  const data = path.join(folder, 'data');
  const pidFile = path.join(folder, 'pid');
  await runAs(as, installer, [
    ...['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
    '--skip-name-resolve',
  ]);
  const port = await freePort();
  const server = startAs(as, program, [
    ...['--no-defaults', `--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
    ...[`--socket=${path.join(folder, 'socket')}`, `--pid-file=${pidFile}`, '--innodb-flush-log-at-trx-commit=0'],
  ]);
  await untilSaid(server, 'MariaDB', /ready for connections/);
  return {
    port,
    env: { MARIADB_PORT: String(port) },
    stop: () => stopProcess(server, pidFile, 'SIGTERM'),
  };
}

async function startRedis(place: string): Promise<Server> {
  const program = findProgram('redis-server');
  if (program === null) throw new Missing('redis-server was not found; apt-get install redis-server');
  const folder = path.join(place, 'redis');
  mkdirSync(folder);
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const server = new Program(program, args);
  let line = '';
  while (!/Ready to accept connections/.test(line)) line = await server.line();
  return {
    port,
    env: { REDIS_PORT: String(port) },
    stop: async () => {
      server.kill();
      await server.outputAndCode();
    },
  };
}

async function startNats(): Promise<Server> {
  const program = findProgram('nats-server', '/usr/sbin/nats-server');
  if (program === null) throw new Missing('nats-server was not found; apt-get install nats-server');
  const port = await freePort();
  const server = new Program(program, ['-a', '127.0.0.1', '-p', String(port)]);
  await untilSaid(server, 'NATS', /Server is ready/);
  return {
    port,
    env: { NATS_URL: `nats://127.0.0.1:${port}` },
    stop: async () => {
      server.kill();
      await server.outputAndCode();
    },
  };
}

/** A folder for a server, and the words that run a command as its account: servers refuse to be run by root. */
function folderOf(place: string, name: string, account: string): { folder: string; as: readonly string[] } {
  const folder = path.join(place, name);
  mkdirSync(folder);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) output('chown', [account, folder]);
  return { folder, as: isRoot ? ['runuser', '-u', account, '--'] : [] };
}

async function runAs(as: readonly string[], program: string, args: readonly string[]): Promise<void> {
  await using running = startAs(as, program, args);
  await running.output();
}

function startAs(as: readonly string[], program: string, args: readonly string[]): Program {
  const [command, ...all] = [...as, program, ...args];
  return new Program(command!, all, { cwd: '/' });
}

async function untilSaid(server: Program, name: string, what: RegExp): Promise<void> {
  for (let attempt = 0; !what.test(server.errors); attempt++) {
    if (attempt === PATIENCE) throw new Error(`${name} did not start\n${server.errors}`);
    await sleep(0.1);
  }
}

async function stopProcess(server: Program, pidFile: string, signal: NodeJS.Signals): Promise<void> {
  if (!existsSync(pidFile)) return await server[Symbol.asyncDispose]();
  const [pid] = readFileSync(pidFile, 'utf8').split('\n');
  process.kill(Number(pid), signal);
  await server.outputAndCode();
}

function findPostgres(): string {
  const installed = '/usr/lib/postgresql';
  const own = findProgram('initdb');
  if (own !== null) return path.dirname(own);
  const versions = existsSync(installed) ? readdirSync(installed).sort((a, b) => Number(b) - Number(a)) : [];
  const newest = versions
    .map((version) => path.join(installed, version, 'bin'))
    .find((bin) => existsSync(`${bin}/initdb`));
  if (newest === undefined) throw new Missing('PostgreSQL was not found; apt-get install postgresql');
  return newest;
}
