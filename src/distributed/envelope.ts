import { RuntimeError } from '../errors/index.ts';
import type { FailureKind } from '../node/executors/work.ts';
import type { Coded } from './codec.ts';

/** The format of envelopes and replies. A worker refuses others by this number; it changes when an older worker could misread a newer job. */
export const VERSION = 1;

/** The largest envelope and reply, in bytes: the usual limit of NATS, and more than a queue should carry. */
export const LARGEST = 1_048_576;

/** A job on its way to a worker. */
export interface Envelope {
  readonly v: number;
  /** The name of the module, and the function. */
  readonly module: string;
  readonly name: string;
  readonly args: Coded;
  /** How many times it may be started. */
  readonly attempts: number;
  /** In milliseconds of the store's clock; `null` for none. */
  readonly deadline: number | null;
  /** The client that has sent it. */
  readonly client: string;
  /** Whether it ends when its client is lost. */
  readonly tied: boolean;
  /** Values of context variables, by their names. */
  readonly vars: Readonly<Record<string, Coded>>;
  /** Headers of tracing tools. */
  readonly trace: Readonly<Record<string, string>>;
}

/** What a worker answers. */
export type Answer =
  | { readonly value: Coded }
  | { readonly failure: FailureKind; readonly error: Coded; readonly detail?: string | undefined }
  /** It was cancelled, and its clean-up is over. */
  | { readonly cancelled: true }
  /** It came after its deadline, or did not end in time. */
  | { readonly late: true; readonly isStarted: boolean }
  /** The worker cannot read the envelope, or does not serve the function. */
  | { readonly refused: 'version' | 'name'; readonly detail: string }
  /** It was started as often as it may be. */
  | { readonly spent: true }
  /** Its client was lost. */
  | { readonly orphaned: true };

export function writeAnswer(answer: Answer, worker: string): string {
  return JSON.stringify({ v: VERSION, worker, ...answer });
}

/** @throws {RuntimeError} when it is of another version */
export function readAnswer(text: string): Answer & { readonly worker: string } {
  const answer = JSON.parse(text) as Answer & { readonly v: number; readonly worker: string };
  if (answer.v !== VERSION) throw otherVersion('an answer', answer.v, String(answer.worker));
  return answer;
}

function otherVersion(what: string, version: unknown, worker: string): RuntimeError {
  return new RuntimeError(
    `${what} of the worker ${worker} has version ${String(version)} of the format, and this program reads version ${VERSION}: ` +
      'run the same major version of asyncio-ts in clients and workers',
    { code: 'OTHER_VERSION' },
  );
}

/** `null` when it cannot be read: a text of somebody else, or of another version. */
export function readEnvelope(text: string): Envelope | null {
  try {
    const envelope = JSON.parse(text) as Partial<Envelope> | null;
    return envelope !== null && typeof envelope === 'object' && envelope.v === VERSION ? (envelope as Envelope) : null;
  } catch {
    return null;
  }
}

/** In bytes of UTF-8. */
export function sizeOf(text: string): number {
  return Buffer.byteLength(text);
}
