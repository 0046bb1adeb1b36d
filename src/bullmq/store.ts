import {
  type ConnectionOptions,
  createPostgresBackend,
  type IQueueBackend,
  type PostgresConnectionOptions,
  PostgresQueueBackend,
  Queue,
  QueueEvents,
  RedisQueueBackend,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import type { Removal } from '../distributed/engine.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { withoutPassword } from '../internal/without-password.ts';

/** What the store knows of a job. */
export interface Row {
  readonly id: string;
  readonly returned: string | null;
  readonly failed: string | null;
  readonly isFinished: boolean;
  /** Whether a worker holds it, as far as the store knows. */
  readonly isLocked: boolean;
  readonly starts: number;
  readonly worker: string;
  readonly progress: string | null;
}

/** How to reach the store: BullMQ's own options, of either kind. */
export type Connection =
  | { readonly redis: ConnectionOptions; readonly prefix: string | undefined }
  | { readonly postgres: PostgresConnectionOptions };

export type Processor = (
  job: { readonly id?: string | undefined; readonly data: unknown; readonly attemptsStarted: number },
  token: string | undefined,
) => Promise<string>;

export type AnyQueue = Queue<unknown, unknown, string, unknown, unknown, string, IQueueBackend>;
export type AnyWorker = EndingWorker<unknown, unknown, string, IQueueBackend>;
export type AnyEvents = QueueEvents;

/**
 * BullMQ's worker stops renewing locks once its jobs have ended and its connections are idle. While the store is away the latter may never be, and the
 * timer of the renewal would keep the process.
 */
class EndingWorker<T, R, N extends string, B extends IQueueBackend> extends Worker<T, R, N, B> {
  stopRenewing(): Promise<void> {
    return this.lockManager.close();
  }
}

/** BullMQ's objects for either store. */
export interface Store {
  queue(name: string): AnyQueue;
  /** A queue of which few calls are made at a time. */
  control(name: string): AnyQueue;
  events(name: string): AnyEvents;
  worker(name: string, processor: Processor, options: Omit<WorkerOptions, 'connection'>): AnyWorker;
}

export function storeOf(connection: Connection): Store {
  if ('postgres' in connection) {
    const options = { connection: connection.postgres };
    const few = { connection: withAtMost(connection.postgres, 2) };
    // Events are read one batch after the other; a connection besides the pool tells when there are some.
    const one = { connection: withAtMost(connection.postgres, 1) };
    return {
      queue: (name) => guarded(new Queue(name, options, createPostgresBackend)) as never,
      control: (name) => guarded(new Queue(name, few, createPostgresBackend)) as never,
      events: (name) => guarded(new QueueEvents(name, one, createPostgresBackend)) as never,
      worker: (name, processor, more) =>
        guarded(
          new EndingWorker(name, processor as never, { ...more, ...options } as never, createPostgresBackend as never),
        ) as never,
    };
  }
  const { redis, prefix } = connection;
  const options = { connection: redis, ...(prefix === undefined ? {} : { prefix }) };
  return {
    queue: (name) => new Queue(name, options) as never,
    control: (name) => new Queue(name, options) as never,
    events: (name) => new QueueEvents(name, options) as never,
    worker: (name, processor, more) => new EndingWorker(name, processor as never, { ...more, ...options }) as never,
  };
}

const guardedPools = new WeakSet<object>();

/**
 * A connection that a pool has handed out has no listener for errors, so that a server that restarts in the middle of a transaction would end the
 * process. Whoever uses the connection learns of its end by what it has asked.
 */
function guarded<T extends { getBackend(): IQueueBackend }>(source: T): T {
  const backend = source.getBackend();
  if (!(backend instanceof PostgresQueueBackend)) throw otherBackend();
  const { pool } = backend.connection;
  if (guardedPools.has(pool)) return source;
  guardedPools.add(pool);
  pool.on('connect', (client) => {
    client.on('error', () => {});
  });
  return source;
}

/** In milliseconds: after an error of the store, until jobs of lost workers are looked for again. */
const CHECKED_AGAIN = 1_000;

/**
 * A worker of BullMQ looks regularly for jobs whose workers are lost, but only up to the first error of the store other than a refused connection, such
 * as PostgreSQL's "terminating connection" or Redis's LOADING. After a restart of the store nobody would give such jobs to another worker.
 */
export function checkingOn<
  T extends { on(event: 'error', listener: () => void): unknown; startStalledCheckTimer(): Promise<void> },
>(worker: T): T {
  let isDue = false;
  worker.on('error', () => {
    if (isDue) return;
    isDue = true;
    const timer = setTimeout(() => {
      isDue = false;
      worker.startStalledCheckTimer().catch(() => {}); // its errors come as events
    }, CHECKED_AGAIN);
    timer.unref();
  });
  return worker;
}

/** Each object of BullMQ has a pool of its own, of ten connections unless it is told otherwise, and a server has a hundred for all. */
function withAtMost(connection: PostgresConnectionOptions, most: number): PostgresConnectionOptions {
  // A pool of the program is used by all.
  if (typeof connection === 'string' || 'totalCount' in connection) return connection;
  const { max = most } = connection as { readonly max?: number };
  return { ...connection, max: Math.min(max, most) };
}

/** How an address of each option begins: clients of stores take any text, and then try for ever to reach what they make of it. */
const ADDRESSES = {
  connection: { begins: /^(?:rediss?|postgres|postgresql):\/\//, as: 'redis://, rediss:// or postgres://' },
  postgres: { begins: /^(?:postgres|postgresql):\/\//, as: 'postgres://' },
} as const;

/** @throws {TypeError} when it is neither an address nor an object */
function checkPlace(place: unknown, option: keyof typeof ADDRESSES): void {
  if (typeof place === 'object' && place !== null && !Array.isArray(place)) {
    checkClient(place);
    return;
  }
  const { begins, as } = ADDRESSES[option];
  const isText = typeof place === 'string';
  if (isText && (begins.test(place) || (option === 'connection' && place.startsWith('/')))) return; // or a socket of Redis
  const got = isText ? describe(withoutPassword(place)) : describe(place);
  const right = option === 'connection' ? 'redis://127.0.0.1:6379' : 'postgres://127.0.0.1/app';
  throw typeError(
    `bullmq: ${option} is an address that begins with ${as}, or an object, got ${got}; write bullmq({ ${option}: '${right}' })`,
    'NO_CONNECTION',
  );
}

/** BullMQ refuses such a client as well, but only after it has opened another connection like it, which would keep the process running. */
function checkClient(client: object): void {
  const { duplicate, options } = client as { readonly duplicate?: unknown; readonly options?: unknown };
  if (typeof duplicate !== 'function') return; // options of a client
  const { maxRetriesPerRequest = null } = (options ?? {}) as { readonly maxRetriesPerRequest?: number | null };
  if (maxRetriesPerRequest === null) return;
  throw typeError(
    `bullmq: a client of ioredis must wait for as long as it takes, and this one gives up after ${maxRetriesPerRequest} attempts (maxRetriesPerRequest); ` +
      'write new Redis(address, { maxRetriesPerRequest: null })',
    'NO_CONNECTION',
  );
}

/** Connections as programs write them: an address, BullMQ's own options, or a client or pool that exists. */
export function connectionOf(given: {
  readonly connection?: unknown;
  readonly postgres?: unknown;
  readonly prefix?: string | undefined;
}): Connection {
  const { connection, postgres, prefix } = given;
  if ((connection === undefined) === (postgres === undefined)) {
    throw typeError(
      "bullmq: one of connection (Redis) and postgres is required; write bullmq({ connection: 'redis://127.0.0.1' }) or bullmq({ postgres: 'postgres://127.0.0.1/app' })",
      'NO_CONNECTION',
    );
  }
  const place = postgres === undefined ? connection : postgres;
  // A client would find no options in such an object, and connect to its usual address.
  const address = place instanceof URL ? place.href : place;
  checkPlace(address, postgres === undefined ? 'connection' : 'postgres');
  if (typeof address === 'string' && /^postgres(ql)?:/.test(address)) {
    return { postgres: { connectionString: address, migrate: true } };
  }
  if (postgres !== undefined) return { postgres: address as PostgresConnectionOptions };
  if (typeof address === 'string') return { redis: { url: address }, prefix };
  return { redis: address as ConnectionOptions, prefix };
}

/**
 * One batch, in one step of Redis: the hash of each job, and whether its lock is there. The script knows BullMQ's keys, as does every tool that
 * looks into its queues; they have been the same since its version 3.
 */
const LOOK_UP = `
local found = {}
for i = 1, #ARGV do
  local key = KEYS[1] .. ARGV[i]
  local f = redis.call('HMGET', key, 'timestamp', 'returnvalue', 'failedReason', 'finishedOn', 'ats', 'pb', 'progress')
  if f[1] then
    found[#found + 1] = { ARGV[i], f[2], f[3], f[4], redis.call('EXISTS', key .. ':lock'), f[5], f[6], f[7] }
  end
end
return found`;
/** Takes finished jobs away, and gives those that are there and not finished. */
const REMOVE = `
local rest = {}
for i = 1, #ARGV do
  local key = KEYS[1] .. ARGV[i]
  if redis.call('ZREM', KEYS[1] .. 'completed', ARGV[i]) + redis.call('ZREM', KEYS[1] .. 'failed', ARGV[i]) > 0 then
    redis.call('DEL', key, key .. ':logs')
  elseif redis.call('EXISTS', key) == 1 then
    rest[#rest + 1] = ARGV[i]
  end
end
return rest`;
/** Part of scripts: how often the job with this `data` may be started. */
const MOST = `
local isData, given = pcall(cjson.decode, data)
local most = isData and type(given) == 'table' and tonumber(given.n) or 1`;
/** Part of scripts: takes the job `ARGV[1]` with the key `key` away, wherever it is. */
const TAKE_AWAY = `
for _, list in ipairs({ 'wait', 'paused', 'active' }) do redis.call('LREM', KEYS[1] .. list, 0, ARGV[1]) end
for _, set in ipairs({ 'completed', 'failed', 'prioritized', 'delayed' }) do redis.call('ZREM', KEYS[1] .. set, ARGV[1]) end
redis.call('SREM', KEYS[1] .. 'stalled', ARGV[1])
redis.call('DEL', key, key .. ':logs')
redis.call('XADD', KEYS[1] .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'removed', 'jobId', ARGV[1])`;
/**
 * Takes a job away unless a worker holds it: `-1`. Otherwise gives how often it was started, or `-2` when it is not there. One that has ended stays:
 * `0`.
 */
const REMOVE_UNHELD = `
local key = KEYS[1] .. ARGV[1]
if redis.call('EXISTS', key .. ':lock') == 1 then return -1 end
local f = redis.call('HMGET', key, 'timestamp', 'ats', 'finishedOn')
if not f[1] then return -2 end
if f[3] then return 0 end
${TAKE_AWAY}
return tonumber(f[2] or '0')`;
/**
 * Takes a job away that has ended with the reply `ARGV[2]`, as JSON or empty, or was started as often as it may be and has no worker. Gives 1 when it is
 * gone, 0 when it goes on, and 2 when it has ended with another reply, or was given to a worker once more than it may be started: that worker only
 * stores that it is lost.
 */
const REMOVE_OVER = `
local key = KEYS[1] .. ARGV[1]
local f = redis.call('HMGET', key, 'timestamp', 'ats', 'finishedOn', 'data', 'returnvalue')
if not f[1] then return 1 end
if f[3] then
  if (f[5] or '') ~= ARGV[2] then return 2 end
else
  local data = f[4] or ''
  ${MOST}
  local starts = tonumber(f[2] or '0')
  if redis.call('EXISTS', key .. ':lock') == 1 then
    if starts > most then return 2 end
    return 0
  end
  if starts < most then return 0 end
end
${TAKE_AWAY}
return 1`;
/** Takes back the count of a start, of a job whose lock is that of the worker which has it. A second call for the same start changes nothing. */
const DISCOUNT = `
local key = KEYS[1] .. ARGV[1]
if redis.call('GET', key .. ':lock') == ARGV[2] and redis.call('HGET', key, 'ats') == ARGV[3] then
  redis.call('HSET', key, 'ats', tonumber(ARGV[3]) - 1, 'data', ARGV[4])
end
return 0`;
/** How often a job may be started, `-1` when it is not there. */
const ATTEMPTS = `
local data = redis.call('HGET', KEYS[1] .. ARGV[1], 'data')
if not data then return -1 end
${MOST}
return most`;
const CLOCK = "local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000)";

type Client = Awaited<RedisQueueBackend['client']>;
const prepared = new WeakSet<object>();

async function redisClient(backend: RedisQueueBackend): Promise<Client> {
  const client = await backend.client;
  if (!prepared.has(client)) {
    client.defineCommand('asyncioLookUp', { numberOfKeys: 1, lua: LOOK_UP });
    client.defineCommand('asyncioRemove', { numberOfKeys: 1, lua: REMOVE });
    client.defineCommand('asyncioRemoveUnheld', { numberOfKeys: 1, lua: REMOVE_UNHELD });
    client.defineCommand('asyncioRemoveOver', { numberOfKeys: 1, lua: REMOVE_OVER });
    client.defineCommand('asyncioAttempts', { numberOfKeys: 1, lua: ATTEMPTS });
    client.defineCommand('asyncioDiscount', { numberOfKeys: 1, lua: DISCOUNT });
    client.defineCommand('asyncioClock', { numberOfKeys: 1, lua: CLOCK });
    prepared.add(client);
  }
  return client;
}

type RedisRow = readonly [
  id: string,
  returned: string | null,
  failed: string | null,
  finishedOn: string | null,
  lock: number,
  starts: string | null,
  worker: string | null,
  progress: string | null,
];

/** The rows of jobs that the store knows. */
export async function rowsOf(backend: IQueueBackend, ids: readonly string[]): Promise<Row[]> {
  if (backend instanceof PostgresQueueBackend) return await postgresRows(backend, ids);
  if (!(backend instanceof RedisQueueBackend)) throw otherBackend();
  const client = await redisClient(backend);
  const rows = (await client.runCommand('asyncioLookUp', [backend.toKey(''), ...ids])) as readonly RedisRow[];
  return rows.map(([id, returned, failed, finishedOn, lock, starts, worker, progress]) => ({
    id,
    returned,
    failed,
    isFinished: finishedOn !== null,
    isLocked: lock === 1,
    starts: Number(starts ?? 0),
    worker: worker ?? '',
    progress,
  }));
}

/** Part of queries: no worker holds the job. */
const UNHELD =
  "(state <> 'active' OR locked_until_ms IS NULL OR locked_until_ms <= extract(epoch FROM clock_timestamp()) * 1000)";

/** Part of queries: how often the job may be started. */
const MOST_STARTS = "coalesce((data->>'n')::int, 1)";

interface PostgresRow {
  readonly id: string;
  readonly state: string;
  readonly returned: string | null;
  readonly failed_reason: string | null;
  readonly is_locked: boolean | null;
  readonly attempts_started: number;
  readonly processed_by: string | null;
  readonly progress: string | null;
}

async function postgresRows(backend: PostgresQueueBackend, ids: readonly string[]): Promise<Row[]> {
  const { schema, pool } = backend.connection;
  const { rows } = await pool.query(
    `SELECT id, state, return_value::text AS returned, failed_reason, attempts_started, processed_by, progress::text AS progress,
            state = 'active' AND locked_until_ms > extract(epoch FROM clock_timestamp()) * 1000 AS is_locked
       FROM ${quoted(schema)}.job WHERE queue = $1 AND id = ANY($2)`,
    [queueName(backend), ids],
  );
  return (rows as readonly PostgresRow[]).map((row) => ({
    id: row.id,
    returned: row.returned,
    failed: row.failed_reason,
    isFinished: row.state === 'completed' || row.state === 'failed',
    isLocked: row.is_locked === true,
    starts: row.attempts_started,
    worker: row.processed_by ?? '',
    progress: row.progress,
  }));
}

/** Takes away, in one step, those of the jobs that have ended. Returns the others that the store knows. */
export async function removeFinished(backend: IQueueBackend, ids: readonly string[]): Promise<readonly string[]> {
  if (backend instanceof PostgresQueueBackend) {
    const { schema, pool } = backend.connection;
    const name = queueName(backend);
    await pool.query(
      `DELETE FROM ${quoted(schema)}.job WHERE queue = $1 AND id = ANY($2) AND state IN ('completed', 'failed')`,
      [name, ids],
    );
    return (await postgresRows(backend, ids)).map(({ id }) => id);
  }
  if (!(backend instanceof RedisQueueBackend)) throw otherBackend();
  const client = await redisClient(backend);
  return (await client.runCommand('asyncioRemove', [backend.toKey(''), ...ids])) as readonly string[];
}

/**
 * Takes a job away unless a worker holds it, or it has ended, in one step. BullMQ's own removal does not say whether it was started; and in PostgreSQL
 * it looks first and removes afterwards, so that a worker can start it in between.
 */
export async function removeUnheld(backend: IQueueBackend, id: string): Promise<Removal> {
  if (backend instanceof PostgresQueueBackend) return await postgresRemoveUnheld(backend, id);
  if (!(backend instanceof RedisQueueBackend)) throw otherBackend();
  const client = await redisClient(backend);
  const starts = Number(await client.runCommand('asyncioRemoveUnheld', [backend.toKey(''), id]));
  if (starts === -1) return 'held';
  if (starts === -2) return 'unknown';
  return starts > 0 ? 'started' : 'removed';
}

async function postgresRemoveUnheld(backend: PostgresQueueBackend, id: string): Promise<Removal> {
  const { schema, pool } = backend.connection;
  const { rows } = await pool.query(
    `DELETE FROM ${quoted(schema)}.job
      WHERE queue = $1 AND id = $2 AND state NOT IN ('completed', 'failed') AND ${UNHELD}
     RETURNING attempts_started`,
    [queueName(backend), id],
  );
  const [gone] = rows as readonly Pick<PostgresRow, 'attempts_started'>[];
  if (gone !== undefined) return gone.attempts_started > 0 ? 'started' : 'removed';
  const [row] = await postgresRows(backend, [id]);
  if (row === undefined) return 'unknown';
  return row.isFinished ? 'removed' : 'held';
}

/**
 * What has become of a job that is to be sent again. `ending`: it has ended in another way than it was said, or it was given to a worker once more than
 * it may be started, and that worker is about to store that it is lost.
 */
export type Over = 'gone' | 'on' | 'ending';

/**
 * Takes a job away that has ended with this reply, or was started as often as it may be and has no worker. With another reply it has ended since it was
 * looked up, and stays: without that result, the function would run a second time for its key.
 */
export async function removeOver(backend: IQueueBackend, id: string, reply: string | null): Promise<Over> {
  const returned = reply === null ? '' : JSON.stringify(reply);
  if (backend instanceof PostgresQueueBackend) return await postgresRemoveOver(backend, id, returned);
  if (!(backend instanceof RedisQueueBackend)) throw otherBackend();
  const client = await redisClient(backend);
  const code = Number(await client.runCommand('asyncioRemoveOver', [backend.toKey(''), id, returned]));
  return code === 1 ? 'gone' : code === 2 ? 'ending' : 'on';
}

async function postgresRemoveOver(backend: PostgresQueueBackend, id: string, returned: string): Promise<Over> {
  const { schema, pool } = backend.connection;
  const job = [queueName(backend), id];
  const gone = await pool.query(
    `DELETE FROM ${quoted(schema)}.job
      WHERE queue = $1 AND id = $2
        AND CASE WHEN state IN ('completed', 'failed') THEN return_value IS NOT DISTINCT FROM nullif($3, '')::jsonb
                 ELSE attempts_started >= ${MOST_STARTS} AND ${UNHELD} END
     RETURNING id`,
    [...job, returned],
  );
  if (gone.rows.length > 0) return 'gone';
  const { rows } = await pool.query(
    `SELECT state IN ('completed', 'failed') OR attempts_started > ${MOST_STARTS} AS is_ending
       FROM ${quoted(schema)}.job WHERE queue = $1 AND id = $2`,
    job,
  );
  const [row] = rows as readonly { readonly is_ending: boolean }[];
  return row === undefined ? 'gone' : row.is_ending ? 'ending' : 'on';
}

/** How often a job may be started, which its first client has said; `null` when it is not there. */
export async function attemptsOf(backend: IQueueBackend, id: string): Promise<number | null> {
  if (backend instanceof PostgresQueueBackend) {
    const { schema, pool } = backend.connection;
    const { rows } = await pool.query(
      `SELECT ${MOST_STARTS} AS most FROM ${quoted(schema)}.job WHERE queue = $1 AND id = $2`,
      [queueName(backend), id],
    );
    return (rows as readonly { readonly most: number }[])[0]?.most ?? null;
  }
  if (!(backend instanceof RedisQueueBackend)) throw otherBackend();
  const client = await redisClient(backend);
  const most = Number(await client.runCommand('asyncioAttempts', [backend.toKey(''), id]));
  return most === -1 ? null : most;
}

/** A job that a worker has and has not started. */
export interface Unstarted {
  readonly id: string;
  /** Of its lock. */
  readonly token: string;
  /** How often the store says that it was started, with this time. */
  readonly starts: number;
  /** What is stored as its data. */
  readonly data: object;
}

/** Takes back the count of the last start. What nobody has started must not use up one of the starts that are allowed. */
export async function discountStart(backend: IQueueBackend, { id, token, starts, data }: Unstarted): Promise<void> {
  const text = JSON.stringify(data);
  if (backend instanceof PostgresQueueBackend) {
    const { schema, pool } = backend.connection;
    await pool.query(
      `UPDATE ${quoted(schema)}.job SET attempts_started = $4 - 1, data = $5::jsonb
        WHERE queue = $1 AND id = $2 AND state = 'active' AND lock_token = $3 AND attempts_started = $4`,
      [queueName(backend), id, token, starts, text],
    );
    return;
  }
  if (!(backend instanceof RedisQueueBackend)) throw otherBackend();
  const client = await redisClient(backend);
  await client.runCommand('asyncioDiscount', [backend.toKey(''), id, token, String(starts), text]);
}

/** In milliseconds since 1970. */
export async function clockOf(backend: IQueueBackend): Promise<number> {
  if (backend instanceof PostgresQueueBackend) {
    const { rows } = await backend.connection.pool.query(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
    );
    return Number((rows as readonly { readonly now: number }[])[0]!.now);
  }
  if (!(backend instanceof RedisQueueBackend)) throw otherBackend();
  return Number(await (await redisClient(backend)).runCommand('asyncioClock', [backend.toKey('')]));
}

function otherBackend(): TypeError {
  return typeError(
    'bullmq: two copies of the package bullmq are installed; run npm dedupe, so that there is one',
    'TWO_COPIES',
  );
}

function queueName(backend: PostgresQueueBackend): string {
  return backend.qualifiedName.replace(/^.*:/s, '');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
