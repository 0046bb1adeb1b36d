import { parseArgs } from 'node:util';
import { withoutPassword } from '../../internal/without-password.ts';
import { UsageError } from '../usage-error.ts';

/** `asyncio worker FILE --bullmq URL` or `--nats URL`. */
export interface WorkerCommand {
  readonly kind: 'worker';
  readonly file: string;
  readonly store: Store;
  readonly queue: string;
  /** The name under which clients ask for the functions of the file: the `work` of `app:work`. */
  readonly name: string | null;
  /** How many jobs run at the same time. */
  readonly concurrency: number | null;
  /** How many threads run the functions; `null`: they run on the loop of this process. */
  readonly threads: number | null;
}

/** Where the jobs come from. */
export interface Store {
  readonly engine: 'bullmq' | 'nats';
  readonly url: string;
}

/** The schemes of the addresses that each engine takes. */
const SCHEMES = {
  bullmq: ['redis:', 'rediss:', 'postgres:', 'postgresql:'],
  nats: ['nats:', 'tls:'],
} as const;
const EXAMPLES = { bullmq: 'redis://127.0.0.1', nats: 'nats://127.0.0.1' } as const;
const USAGE = 'asyncio worker FILE --bullmq redis://127.0.0.1';

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  bullmq: { type: 'string' },
  nats: { type: 'string' },
  queue: { type: 'string', short: 'q' },
  name: { type: 'string' },
  concurrency: { type: 'string', short: 'c' },
  threads: { type: 'string' },
} as const;

/**
 * Reads the arguments of `asyncio worker`, without the name of the command.
 *
 * @throws {UsageError} when they are wrong
 */
export function parseWorker(argv: readonly string[]): WorkerCommand | { kind: 'help'; topic: 'worker' } {
  const { values, positionals } = split(argv);
  if (values.help === true) return { kind: 'help', topic: 'worker' };
  const [file, second] = positionals;
  if (file === undefined) throw new UsageError(`worker: a file is missing: write ${USAGE}`);
  if (second !== undefined) throw new UsageError(`worker: one file at a time; '${second}' is too much`);
  return {
    kind: 'worker',
    file,
    store: storeOf(values.bullmq, values.nats),
    queue: queueOf(values.queue),
    name: nameOf(values.name),
    concurrency: wholeNumber('concurrency', values.concurrency),
    threads: wholeNumber('threads', values.threads),
  };
}

function split(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, strict: true, allowPositionals: true });
  } catch (error) {
    // The first part of the message: it continues with advice about other commands than this one.
    const [sentence] = String((error as Error).message).split(/\. |\n/);
    throw new UsageError(`worker: ${sentence!.charAt(0).toLowerCase()}${sentence!.slice(1)}`);
  }
}

function storeOf(bullmq: string | undefined, nats: string | undefined): Store {
  if (bullmq !== undefined && nats !== undefined)
    throw new UsageError('worker: --bullmq and --nats exclude each other: start one worker for each');
  if (bullmq !== undefined) return { engine: 'bullmq', url: address('bullmq', bullmq) };
  if (nats !== undefined) return { engine: 'nats', url: address('nats', nats) };
  throw new UsageError(`worker: where the jobs come from is missing: write ${USAGE}, or --nats ${EXAMPLES.nats}`);
}

function address(engine: Store['engine'], url: string): string {
  const schemes: readonly string[] = SCHEMES[engine];
  if (URL.canParse(url) && schemes.includes(new URL(url).protocol)) return url;
  const wanted = schemes.map((scheme) => `${scheme}//`).join(', ');
  throw new UsageError(
    `worker: --${engine} takes an address that begins with ${wanted}; got '${withoutPassword(url)}', write --${engine} ${EXAMPLES[engine]}`,
  );
}

function nameOf(given: string | undefined): string | null {
  const name = text('name', given);
  if (name === null || URL.canParse(name)) return name;
  throw new UsageError(
    `worker: --name takes a name with a scheme, the same as in moduleFunctions; got '${name}', write --name app:${name.replace(/\W+/g, '-')}`,
  );
}

function queueOf(name: string | undefined): string {
  const queue = text('queue', name) ?? 'default';
  if (!/[:\s]/.test(queue)) return queue;
  throw new UsageError(
    `worker: --queue takes a name without spaces and colons, the same as in DistributedExecutor; got '${queue}', write --queue images`,
  );
}

function text(option: string, value: string | undefined): string | null {
  if (value === '') throw new UsageError(`worker: --${option} is empty: leave it out, or give a name`);
  return value ?? null;
}

function wholeNumber(option: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  if (/^[1-9]\d{0,5}$/.test(value)) return Number(value);
  throw new UsageError(`worker: --${option} takes a whole number of at least 1, got '${value}'`);
}
