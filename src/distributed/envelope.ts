import { RuntimeError } from '../errors/index.ts';
import type { FailureKind } from '../node/executors/work.ts';
import type { Coded } from './codec.ts';

/** The format of envelopes and replies. A worker refuses others by this number; it changes when an older worker could misread a newer job. */
export const VERSION = 1;

/** The largest envelope and reply, in bytes: the usual limit of NATS, and more than a queue should carry. */
export const LARGEST = 1_048_576;

/** A job on its way to a worker. What is usual is left out: the bytes are most of what a job costs on its way. */
export interface Envelope {
  readonly v: number;
  /** The name of the module, and the function. */
  readonly module: string;
  readonly name: string;
  readonly args: Coded;
  /** How many times it may be started; once if absent. */
  readonly attempts?: number | undefined;
  /** In milliseconds of the store's clock. */
  readonly deadline?: number | undefined;
  /** The client with which it ends: it was submitted with `onClientLoss: 'cancel'`. */
  readonly tied?: string | undefined;
  /** Values of context variables, by their names. */
  readonly vars?: Readonly<Record<string, Coded>> | undefined;
  /** Headers of tracing tools. */
  readonly trace?: Readonly<Record<string, string>> | undefined;
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
  /** It was started as often as it may be, and no worker has finished it: the last one was lost, or has stopped before it was done. */
  | { readonly spent: true; readonly isStopped?: boolean }
  /** Its client was lost. */
  | { readonly orphaned: true };

/** @param worker left out of results, for which nobody asks who has given them */
export function writeAnswer(answer: Answer, worker: string): string {
  return JSON.stringify('value' in answer ? { v: VERSION, value: answer.value } : { v: VERSION, worker, ...answer });
}

type SentAnswer = Answer & { readonly v: number; readonly worker: string };

/** @throws {RuntimeError} when it is of another version, or no answer at all */
export function readAnswer(text: string): Answer & { readonly worker: string } {
  const answer = parsed<SentAnswer>(text);
  if (answer?.v === VERSION) return answer as SentAnswer;
  const whose = typeof answer?.worker === 'string' ? ` of the worker ${answer.worker}` : '';
  throw new RuntimeError(
    `an answer${whose} has ${answer?.v === undefined ? 'no version' : `version ${answer.v}`} of the format, and this program reads version ${VERSION}: ` +
      'run the same major version of asyncio-ts in clients and workers',
    { code: 'OTHER_VERSION' },
  );
}

/** `null` when it cannot be read: a text of somebody else, or of another version. */
export function readEnvelope(text: string): Envelope | null {
  const envelope = parsed<Envelope>(text);
  if (envelope?.v !== VERSION) return null;
  // Others are looked at where they are used. This one would be noticed when the function has been started.
  const { deadline } = envelope;
  return deadline === undefined || typeof deadline === 'number' ? (envelope as Envelope) : null;
}

/** What may be one, from whoever can write to the store; `null` when it is certainly not. */
function parsed<T extends object>(text: string): Partial<T> | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Partial<T>) : null;
  } catch {
    return null;
  }
}

/** In bytes of UTF-8. */
export function sizeOf(text: string): number {
  return Buffer.byteLength(text);
}
