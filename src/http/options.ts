import { ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, secondsOrNull } from '../internal/duration.ts';
import { checkOptions } from '../internal/options.ts';

/** Options of `taskHandler` and `taskListener`. */
export interface RequestOptions {
  /** How long a request may take until its response begins, in seconds or named units. Default: no limit. */
  readonly deadline?: Duration | null | undefined;
  /**
   * The headers by which a client may set a shorter deadline: `x-request-timeout-ms`, or any other name, for a number of milliseconds;
   * `grpc-timeout` and `connect-timeout-ms` in their own formats. Values that make no sense are ignored. Default: none.
   */
  readonly header?: string | readonly string[] | undefined;
  /** How many requests may run at the same time. Default: any number. */
  readonly limit?: number | undefined;
  /** How many more may wait for their turn; the others are answered with status 503. Default: 0. */
  readonly queue?: number | undefined;
  /** What `Retry-After` says in these answers, in seconds. Default: 1. */
  readonly retryAfter?: number | undefined;
}

/** The options, checked, with what was left out. */
export interface Settings {
  readonly deadline: number | null;
  readonly headers: readonly string[];
  readonly limit: number;
  readonly queue: number;
  readonly retryAfter: number;
}

const NAMES = ['deadline', 'header', 'limit', 'queue', 'retryAfter'] as const;

/** What the name of a header may consist of (RFC 9110). */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Checks the options of a call. */
export function settingsOf(call: string, options: RequestOptions): Settings {
  checkOptions(call, options, NAMES);
  const { deadline = null, header = [], limit = Number.POSITIVE_INFINITY, queue = 0, retryAfter = 1 } = options;
  const headers = typeof header === 'string' ? [header] : header;
  if (!Array.isArray(headers) || !headers.every((name) => typeof name === 'string')) {
    throw typeError(`${call}: header is a name of a header or a list of names, got ${describe(header)}`);
  }
  for (const name of headers) {
    if (!TOKEN.test(name))
      throw new ValueError(`${call}: header must be a name that HTTP allows, got ${describe(name)}`);
  }
  checkCount(call, 'limit', limit, 1);
  checkCount(call, 'queue', queue, 0);
  checkCount(call, 'retryAfter', retryAfter, 0);
  const seconds = secondsOrNull(deadline, `${call}: deadline`);
  return { deadline: seconds, headers: headers.map((name) => name.toLowerCase()), limit, queue, retryAfter };
}

function checkCount(call: string, name: string, value: unknown, least: number): void {
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw typeError(`${call}: ${name} must be a number, got ${describe(value)}`);
  }
  if (value < least || (value !== Number.POSITIVE_INFINITY && !Number.isInteger(value))) {
    throw new ValueError(`${call}: ${name} must be a whole number of at least ${least}, got ${value}`);
  }
}
