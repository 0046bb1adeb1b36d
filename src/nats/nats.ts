import type { ClientEvents, ClientLink, Engine, WorkerLink, WorkerSettings } from '../distributed/engine.ts';
import { Refusal } from '../distributed/engine.ts';
import { LARGEST } from '../distributed/envelope.ts';
import { RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import { withoutPassword } from '../internal/without-password.ts';
import { getRunningLoop } from '../kernel/lowlevel.ts';
import { randomUUID } from '../node/late.ts';
import type { NatsBus } from './bus.ts';
import { NatsClientLink } from './client-link.ts';
import { Line } from './line.ts';
import { NatsWorkerLink } from './worker-link.ts';

/** Where NATS is. */
export interface NatsOptions {
  /** Addresses of its servers, such as `nats://127.0.0.1:4222`, `tls://host`, or `nats://user:password@host`. A connection is made for each executor and worker. */
  readonly servers?: string | URL | readonly (string | URL)[] | undefined;
  /** The name of the account. */
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  /** Instead of an account. */
  readonly token?: string | undefined;
  /** Options of TLS, as `@nats-io/transport-node` takes them; `{}` requires it. */
  readonly tls?: object | undefined;
  /**
   * A connection of the program, instead of `servers`: of `connect` from `@nats-io/transport-node`, with any of its options. It is not closed here.
   * Give it `maxReconnectAttempts: -1`, so that it does not end when NATS is away for some seconds.
   */
  readonly connection?: NatsBus | undefined;
  /** How the subjects for answers begin; `_INBOX` when absent. Accounts with restricted rights may need another one. */
  readonly inboxPrefix?: string | undefined;
}

const OPTIONS = ['servers', 'user', 'pass', 'token', 'tls', 'connection', 'inboxPrefix'] as const;

/**
 * Jobs over NATS, from 2.2 on: fast, at most once, nothing is stored. A job is started once or not at all. When no worker is there, it fails at once
 * with a `NotServed`. When its worker dies or is cut off, it fails with a `WorkerLost` once the worker's lease is over, or at its deadline. There are
 * no retries and no progress reports; a job that waits because all workers are busy waits in its client, and ends with it.
 *
 * Needs the package `@nats-io/transport-node`.
 *
 * @param options the addresses or a connection; or one address
 * @throws {TypeError} when there are neither addresses nor a connection, or an option is unknown
 * @example
 * const pool = new DistributedExecutor({ engine: nats('nats://127.0.0.1:4222'), queue: 'images' });
 * console.log(String(pool)); // <DistributedExecutor engine=nats queue=images running=0 queued=0>
 */
export function nats(options: NatsOptions | URL | string): Engine {
  const all: NatsOptions = typeof options === 'string' || options instanceof URL ? { servers: options } : options;
  if (all === undefined || all === null || (Array.isArray(all.servers) && all.servers.length === 0)) {
    throw typeError("nats: the address of a server is required; write nats('nats://127.0.0.1:4222')", 'NO_SERVERS');
  }
  checkOptions('nats', all, OPTIONS, false);
  const { servers, connection, inboxPrefix = '_INBOX' } = all;
  if ((servers === undefined) === (connection === undefined)) {
    const got = servers === undefined ? 'neither servers nor a connection' : 'servers and a connection';
    throw typeError(`nats: either is required, got ${got}; write nats('nats://127.0.0.1:4222')`, 'NO_SERVERS');
  }
  const addresses = servers === undefined ? [] : [servers].flat().map(addressOf);
  return {
    name: 'nats',
    features: { durable: false, progress: false },
    async openClient(queue: string, events: ClientEvents): Promise<ClientLink> {
      const line = await opened(all, addresses);
      const link = new NatsClientLink(getRunningLoop(), line, queue, `${inboxPrefix}.${randomUUID()}`, events);
      try {
        await line.reach(TIME_TO_START); // so that the server knows the subscriptions
        return link;
      } catch (error) {
        await link.close();
        throw error;
      }
    },
    async openWorker(queue: string, settings: WorkerSettings): Promise<WorkerLink> {
      const line = await opened(all, addresses);
      const id = randomUUID();
      const link = new NatsWorkerLink(getRunningLoop(), line, queue, id, `${inboxPrefix}.${id}`, settings);
      try {
        await line.reach(TIME_TO_START, () => link.meet());
        return link;
      } catch (error) {
        await link.close();
        throw error;
      }
    },
  };
}

/** How long a connection that is lost again at its beginning may take to come back, in seconds. */
const TIME_TO_START = 5;

/** An address, and what was in it besides the server. */
interface Address {
  readonly server: string;
  readonly user?: string;
  readonly pass?: string;
  readonly isSecure: boolean;
}

function addressOf(given: string | URL): Address {
  const address = given instanceof URL ? given.href : given;
  const text = /^\w+:\/\//.test(address) ? address : `nats://${address}`;
  if (typeof address !== 'string' || !/^(?:nats|tls):/.test(text) || !URL.canParse(text) || new URL(text).host === '') {
    const got = describe(typeof address === 'string' ? withoutPassword(address) : address);
    throw typeError(
      `nats: servers are addresses that begin with nats:// or tls://, got ${got}; write nats('nats://127.0.0.1:4222')`,
      'NO_SERVERS',
    );
  }
  const { username, password, host, protocol } = new URL(text);
  return {
    server: host,
    ...(username === '' ? {} : { user: decodeURIComponent(username) }),
    ...(password === '' ? {} : { pass: decodeURIComponent(password) }),
    isSecure: protocol === 'tls:',
  };
}

async function opened(options: NatsOptions, addresses: readonly Address[]): Promise<Line> {
  const { connection } = options;
  const bus = connection ?? (await connected(options, addresses));
  const most = bus.info?.max_payload ?? LARGEST;
  const line = new Line(getRunningLoop(), bus, connection === undefined);
  if (most >= LARGEST) return line;
  await line.close();
  throw new RuntimeError(
    `the server of NATS takes messages of ${most} bytes at the most, and jobs may have ${LARGEST}: set max_payload to ${LARGEST} there`,
    { code: 'PAYLOAD_TOO_SMALL' },
  );
}

async function connected({ user, pass, token, tls }: NatsOptions, addresses: readonly Address[]): Promise<NatsBus> {
  const { connect } = await transport();
  const named = addresses.find((address) => address.user !== undefined);
  const secured = tls ?? (addresses.some(({ isSecure }) => isSecure) ? {} : undefined);
  const login = { user: user ?? named?.user, pass: pass ?? named?.pass, token };
  try {
    return await connect({
      servers: addresses.map(({ server }) => server),
      name: 'asyncio-ts',
      // For ever: whoever waits has a limit of his own, the executor's `patience`.
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      // Its default of 20 s is also what a connection costs that is cut in the middle of the greeting: the client does not notice that.
      timeout: 5_000,
      ...Object.fromEntries(Object.entries(login).filter(([, value]) => value !== undefined)),
      ...(secured === undefined ? {} : { tls: secured }),
    });
  } catch (error) {
    // Trying again makes no sense.
    if ((error as Error).name === 'AuthorizationError')
      throw new Refusal(`NATS refuses the account: ${(error as Error).message}`, 'NOT_ALLOWED', error);
    throw error;
  }
}

async function transport() {
  try {
    return await import('@nats-io/transport-node');
  } catch (error) {
    throw new RuntimeError(
      'the package @nats-io/transport-node cannot be loaded, which nats() needs: write npm install @nats-io/transport-node',
      { code: 'NO_NATS', cause: error },
    );
  }
}
