import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createTask, shared, sleep } from 'asyncio-ts';
import { Missing } from '../../peers/lib/checks.ts';
import { findProgram, output, Program } from '../../peers/lib/programs.ts';
import { steadyPort } from '../../peers/lib/servers.ts';

/** How long a server may take to start, in tenths of a second. */
const PATIENCE = 300;

/** How a server is started again. */
export interface RestartOptions {
  /** How long it is away, in seconds, besides what its end and its start take. */
  readonly seconds?: number;
  /** Whether it ends in the middle of everything, in place of an orderly end. */
  readonly isCrash?: boolean;
}

/** A server that was started for the checks, on 127.0.0.1. */
export interface Server {
  readonly port: number;
  /** What to set in the environment of an example. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends its process, and starts another one on the same port and the same data. */
  restart(options?: RestartOptions): Promise<void>;
  stop(): Promise<void>;
}

/** What a kind of server needs. */
interface Kind {
  readonly port: number;
  readonly env: Readonly<Record<string, string>>;
  start(): Program;
  untilReady(program: Program): Promise<void>;
  /** The signals for an orderly end, and for one that is not. */
  readonly signals: { readonly stop: NodeJS.Signals; readonly crash: NodeJS.Signals };
  /** Where its own number stands: the process that changes the account passes on only some signals. */
  readonly pidFile?: string;
}

class ServerProcess implements Server {
  readonly #kind: Kind;
  #program: Program;

  private constructor(kind: Kind) {
    this.#kind = kind;
    this.#program = kind.start();
  }

  static async start(kind: Kind): Promise<Server> {
    const server = new ServerProcess(kind);
    await kind.untilReady(server.#program);
    return server;
  }

  get port(): number {
    return this.#kind.port;
  }

  get env(): Readonly<Record<string, string>> {
    return this.#kind.env;
  }

  async restart({ seconds = 0, isCrash = false }: RestartOptions = {}): Promise<void> {
    const { signals } = this.#kind;
    await this.#end(isCrash ? signals.crash : signals.stop);
    await sleep(seconds);
    this.#program = this.#kind.start();
    await this.#kind.untilReady(this.#program);
  }

  async stop(): Promise<void> {
    await this.#end(this.#kind.signals.stop);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const { pidFile } = this.#kind;
    if (pidFile === undefined) this.#program.kill(signal);
    else if (!existsSync(pidFile)) return await this.#program[Symbol.asyncDispose]();
    else process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), signal);
    await this.#program.outputAndCode();
  }
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
  const port = await steadyPort();
  // Checks run side by side, and each of their workers may have fifteen.
  const settings = ['listen_addresses=127.0.0.1', 'fsync=off', 'logging_collector=off', 'max_connections=400'];
  return await ServerProcess.start({
    port,
    env: { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' },
    start: () =>
      startAs(as, path.join(bin, 'postgres'), [
        ...['-D', data, '-p', String(port), '-k', folder],
        ...settings.flatMap((setting) => ['-c', setting]),
      ]),
    untilReady: (server) => untilSaid(server, 'PostgreSQL', /ready to accept connections/),
    signals: { stop: 'SIGINT', crash: 'SIGQUIT' },
    pidFile: path.join(data, 'postmaster.pid'),
  });
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
  const port = await steadyPort();
  return await ServerProcess.start({
    port,
    env: { MARIADB_PORT: String(port) },
    start: () =>
      startAs(as, program, [
        ...['--no-defaults', `--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve'],
        ...[`--socket=${path.join(folder, 'socket')}`, `--pid-file=${pidFile}`, '--innodb-flush-log-at-trx-commit=0'],
      ]),
    untilReady: (server) => untilSaid(server, 'MariaDB', /ready for connections/),
    signals: { stop: 'SIGTERM', crash: 'SIGKILL' },
    pidFile,
  });
}

async function startRedis(place: string): Promise<Server> {
  const program = findProgram('redis-server');
  if (program === null) throw new Missing('redis-server was not found; apt-get install redis-server');
  const folder = path.join(place, 'redis');
  mkdirSync(folder);
  const port = await steadyPort();
  // What was acknowledged has been handed to the system by then, so that it survives the end of the process, though not that of the machine.
  const log = ['--appendonly', 'yes', '--appendfsync', 'no'];
  return await ServerProcess.start({
    port,
    env: { REDIS_PORT: String(port) },
    start: () =>
      new Program(program, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...log]),
    async untilReady(server) {
      let line = '';
      while (!/Ready to accept connections/.test(line)) line = await server.line();
    },
    signals: { stop: 'SIGTERM', crash: 'SIGKILL' },
  });
}

async function startNats(): Promise<Server> {
  const program = findProgram('nats-server', '/usr/sbin/nats-server');
  if (program === null) throw new Missing('nats-server was not found; apt-get install nats-server');
  const port = await steadyPort();
  return await ServerProcess.start({
    port,
    env: { NATS_URL: `nats://127.0.0.1:${port}` },
    start: () => new Program(program, ['-a', '127.0.0.1', '-p', String(port)]),
    untilReady: (server) => untilSaid(server, 'NATS', /Server is ready/),
    signals: { stop: 'SIGTERM', crash: 'SIGKILL' },
  });
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
