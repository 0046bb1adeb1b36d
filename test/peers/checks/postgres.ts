// PostgreSQL, with the client of examples/postgres. A temporary cluster is made, and deleted afterwards.
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { createTask, gather, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { type Address, Connection, Pool, PostgresError } from '../../../examples/postgres/postgres.ts';
import { type Certificate, certificate } from '../lib/certificates.ts';
import { type Checks, Missing } from '../lib/checks.ts';
import { example, findProgram, output, Program } from '../lib/programs.ts';
import { freePort } from '../lib/servers.ts';

const PASSWORD = 'pässwörd';

export default async function postgres({ check, folder }: Checks): Promise<void> {
  const cluster = await Cluster.start(folder);
  const { scram, trust, encrypted } = cluster;
  try {
    await check('SCRAM-SHA-256, and a wrong password', async () => {
      await using db = await Connection.open(scram);
      deepStrictEqual((await db.query('SELECT current_user AS who')).rows, [{ who: 'clerk' }]);
      await rejects(async () => await Connection.open({ ...scram, password: 'wrong' }), refused('28P01'));
    });
    await check('a server that needs no password, and an unknown database', async () => {
      await using db = await Connection.open(trust);
      deepStrictEqual((await db.query('SELECT current_user AS who')).rows, [{ who: 'guest' }]);
      await rejects(async () => await Connection.open({ ...trust, database: 'nowhere' }), refused('3D000'));
    });
    await check('TLS begun in mid-connection, as PostgreSQL has it', async () => {
      await using db = await Connection.open(encrypted);
      const { rows } = await db.query('SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      deepStrictEqual(rows, [{ ssl: true, version: 'TLSv1.3' }]);
      const [row] = (await db.query("SELECT repeat('ä', 5000000) AS big")).rows;
      strictEqual(row?.['big'], 'ä'.repeat(5_000_000));
    });
    await check('values of all kinds, written and read back, as psql shows them', () => values(cluster));
    await check('several statements at once', async () => {
      await using db = await Connection.open(trust);
      const results = await db.execute(
        'SELECT 1 AS a; CREATE TEMP TABLE t (x int); INSERT INTO t VALUES (1), (2); TABLE t',
      );
      deepStrictEqual(
        results.map(({ command, rows }) => [command, rows.length]),
        [
          ['SELECT 1', 1],
          ['CREATE TABLE', 0],
          ['INSERT 0 2', 0],
          ['SELECT 2', 2],
        ],
      );
    });
    await check('an error has its code, and the connection goes on', async () => {
      await using db = await Connection.open(trust);
      await rejects(async () => await db.query('SELECT $1::int / 0', 1), refused('22012'));
      await rejects(async () => await db.execute('SELEC 1'), refused('42601'));
      await db.execute('CREATE TEMP TABLE t (x int PRIMARY KEY); INSERT INTO t VALUES (1)');
      await rejects(
        async () => await db.query('INSERT INTO t VALUES ($1)', 1),
        (error: unknown) => {
          ok(error instanceof PostgresError);
          deepStrictEqual([error.code, error.constraint, error.severity], ['23505', 't_pkey', 'ERROR']);
          return true;
        },
      );
      strictEqual((await db.query('SELECT x FROM t')).rows.length, 1);
    });
    await check('a transaction ends well, or not at all', () => transactions(cluster));
    await check('1,000,000 rows', async () => {
      await using db = await Connection.open(trust);
      const { rows } = await db.query('SELECT n FROM generate_series(1, $1::int) AS n', 1_000_000);
      strictEqual(rows.length, 1_000_000);
      strictEqual(rows.at(-1)?.['n'], 1_000_000);
    });
    await check('a cancelled task cancels its query, and the connection can be used', () => cancels(cluster));
    await check('a pool of 5 connections for 200 tasks', () => pooled(cluster));
    await check('the program of the example', async () => {
      const output = await example(
        'postgres/main.ts',
        '--port',
        String(trust.port),
        '--user',
        'guest',
        '--database',
        'postgres',
      );
      match(output[0]!, /^\[\{"sum":42,"now":"\d{4}-.*Z"\}\]$/);
      deepStrictEqual(output.slice(1), [
        '[{"name":"Ulm","height":478}]',
        '6 queries on 3 connections',
        'the server was asked to cancel the statement',
        '22012: division by zero',
      ]);
    });
    await check('a server that goes away in the middle of a query', () => goneAway(cluster));
  } finally {
    await cluster.stop();
  }
}

const refused =
  (code: string) =>
  (error: unknown): boolean => {
    ok(error instanceof PostgresError, String(error));
    strictEqual(error.code, code, error.message);
    return true;
  };

async function values({ trust, psql }: Cluster): Promise<void> {
  await using db = await Connection.open(trust);
  await db.execute(
    'CREATE TABLE kept (i int, b bigint, t text, d double precision, y bytea, j jsonb, z timestamptz, o boolean, n numeric)',
  );
  const when = new Date('2024-02-29T12:34:56.789Z');
  const given = [
    -5,
    2n ** 60n,
    "Straße\n'quoted'",
    0.1,
    Buffer.from([0, 255, 10]),
    { a: [1, null] },
    when,
    true,
    '1e400',
  ];
  await db.query('INSERT INTO kept VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)', ...given);
  await db.query('INSERT INTO kept (t) VALUES ($1)', null);
  const { rows } = await db.query('SELECT * FROM kept');
  deepStrictEqual(Object.values(rows[0]!), [...given.slice(0, -1), `1${'0'.repeat(400)}`]);
  deepStrictEqual(new Set(Object.values(rows[1]!)), new Set([null]));
  strictEqual(
    psql("SELECT i, b, t = E'Straße\\n''quoted''', d, encode(y, 'hex'), j, o FROM kept WHERE i < 0"),
    '-5|1152921504606846976|t|0.1|00ff0a|{"a": [1, null]}|t',
  );
}

async function transactions({ trust, psql }: Cluster): Promise<void> {
  await using db = await Connection.open(trust);
  await db.execute('CREATE TABLE accounts (name text PRIMARY KEY, cents int CHECK (cents >= 0))');
  const move = (cents: number) =>
    db.transaction(async () => {
      await db.query("UPDATE accounts SET cents = cents + $1 WHERE name = 'b'", cents);
      await db.query("UPDATE accounts SET cents = cents - $1 WHERE name = 'a'", cents);
    });
  await db.execute("INSERT INTO accounts VALUES ('a', 100), ('b', 0)");
  await move(30);
  await rejects(async () => await move(80), refused('23514'));
  strictEqual(psql('SELECT name, cents FROM accounts ORDER BY name'), 'a|70\nb|30');
  strictEqual(db.isInTransaction, false);
}

async function cancels({ trust, psql }: Cluster): Promise<void> {
  await using db = await Connection.open(trust);
  const began = performance.now();
  await rejects(async () => await timeout(0.3, () => db.query('SELECT pg_sleep(60)')), TimeoutError);
  ok(performance.now() - began < 10_000);
  deepStrictEqual((await db.query('SELECT 1 AS one')).rows, [{ one: 1 }]);
  const sleeping = createTask(() =>
    db.transaction(async () => {
      await db.execute('CREATE TABLE never (x int)');
      await db.query('SELECT pg_sleep(60)');
    }),
  );
  await sleep(0.2);
  sleeping.cancel();
  await rejects(async () => await sleeping, { name: 'CancelledError' });
  deepStrictEqual((await db.query("SELECT to_regclass('never') AS it")).rows, [{ it: null }]);
  strictEqual(
    psql(
      "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid()",
    ),
    '0',
  );
}

async function pooled({ scram, psql }: Cluster): Promise<void> {
  await using pool = new Pool(scram, 5);
  const numbers = await gather(
    Array.from({ length: 200 }, (_, number) =>
      pool.transaction(async (db) => {
        const { rows } = await db.query('SELECT $1::int AS n, pg_backend_pid() AS pid', number);
        return rows[0] as { n: number; pid: number };
      }),
    ),
  );
  deepStrictEqual(
    numbers.map(({ n }) => n),
    Array.from({ length: 200 }, (_, number) => number),
  );
  strictEqual(new Set(numbers.map(({ pid }) => pid)).size, 5);
  strictEqual(psql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'clerk'"), '5');
}

async function goneAway({ trust, psql }: Cluster): Promise<void> {
  await using db = await Connection.open(trust);
  const [row] = (await db.query('SELECT pg_backend_pid() AS pid')).rows;
  const sleeping = createTask(() => db.query('SELECT pg_sleep(60)'));
  await sleep(0.1);
  strictEqual(psql(`SELECT pg_terminate_backend(${row?.['pid']})`), 't');
  await rejects(
    async () => await sleeping,
    (error: unknown) => {
      match(String(error), /57P01|terminating connection|IncompleteReadError|bytes read/);
      return true;
    },
  );
  strictEqual(db.isReady, false);
}

/** PostgreSQL refuses to be run by root. */
const ACCOUNT = 'postgres';

class Cluster {
  readonly scram: Address;
  readonly trust: Address;
  readonly encrypted: Address;
  readonly #port: number;
  readonly #folder: string;
  readonly #server: Program;

  private constructor(port: number, folder: string, server: Program, { cert }: Certificate) {
    this.#port = port;
    this.#folder = folder;
    this.#server = server;
    this.scram = { port, user: 'clerk', password: PASSWORD, database: 'postgres' };
    this.trust = { port, user: 'guest', database: 'postgres' };
    this.encrypted = { ...this.scram, host: 'localhost', ssl: { ca: cert } };
  }

  static async start(place: string): Promise<Cluster> {
    const bin = findPostgres();
    const own = certificate(place);
    const folder = path.join(place, 'postgres');
    mkdirSync(folder);
    const data = path.join(folder, 'data');
    // As root, everything is done as the account that Debian's package makes.
    const as = process.getuid?.() === 0 ? ['runuser', '-u', ACCOUNT, '--'] : [];
    const [command, ...args] = [...as, path.join(bin, 'initdb')];
    if (as.length > 0) output('chown', [ACCOUNT, folder]);
    output(
      command!,
      [...args, '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--no-locale'],
      '/',
    );
    configure(data, own, as.length > 0);
    const port = await freePort();
    const options = [
      '-D',
      data,
      '-p',
      String(port),
      '-k',
      folder,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'fsync=off',
    ];
    const [program, ...rest] = [...as, path.join(bin, 'postgres'), ...options];
    const server = new Program(program!, rest, { cwd: '/' });
    const cluster = new Cluster(port, folder, server, own);
    await cluster.#untilReady();
    cluster.psql(`CREATE ROLE clerk LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE guest SUPERUSER LOGIN`);
    return cluster;
  }

  async #untilReady(): Promise<void> {
    for (let attempt = 0; !/ready to accept connections/.test(this.#server.errors); attempt++) {
      if (attempt === 300) throw new Error(`PostgreSQL did not start\n${this.#server.errors}`);
      await sleep(0.1);
    }
  }

  /** What psql says. */
  readonly psql = (sql: string): string =>
    output('psql', ['-h', '127.0.0.1', '-p', String(this.#port), '-U', 'postgres', '-XAtqc', sql, 'postgres'], '/');

  async stop(): Promise<void> {
    // Not through the process that changes the account, because it passes on only some signals.
    const [pid] = readFileSync(path.join(this.#folder, 'data/postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGINT');
    await this.#server.outputAndCode();
  }
}

function findPostgres(): string {
  const installed = '/usr/lib/postgresql';
  const own = findProgram('initdb');
  if (own !== null && findProgram('psql') !== null) return path.dirname(own);
  try {
    const [newest] = readdirSync(installed).sort((a, b) => Number(b) - Number(a));
    if (newest !== undefined && findProgram(path.join(installed, newest, 'bin/initdb'), 'psql') !== null)
      return path.join(installed, newest, 'bin');
  } catch {
    // Said below.
  }
  throw new Missing('PostgreSQL was not found; apt-get install postgresql');
}

function configure(data: string, { keyFile, certFile }: Certificate, asRoot: boolean): void {
  const key = path.join(data, 'server.key');
  cpSync(keyFile, key);
  cpSync(certFile, path.join(data, 'server.crt'));
  chmodSync(key, 0o600);
  if (asRoot) output('chown', [ACCOUNT, key, path.join(data, 'server.crt')]);
  const rules = ['host all clerk 127.0.0.1/32 scram-sha-256', 'host all all 127.0.0.1/32 trust', 'local all all trust'];
  writeFileSync(path.join(data, 'pg_hba.conf'), `${rules.join('\n')}\n`);
  writeFileSync(path.join(data, 'postgresql.auto.conf'), 'ssl = on\nlogging_collector = off\nmax_connections = 50\n');
  mkdirSync(path.join(data, 'log'), { recursive: true });
}
