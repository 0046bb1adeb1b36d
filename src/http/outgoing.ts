import { currentTask, getRunningLoop, type PlatformAbortSignal } from '../index.ts';
import { deadlineAround, earliest } from '../tasks/deadline-around.ts';
import { headerOf } from './deadline.ts';
import { servedRequest } from './request-tasks.ts';

/** What `fetch` takes as its second argument, as far as this library sets it. */
export interface Outgoing {
  readonly signal?: PlatformAbortSignal;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The second argument of a `fetch` inside a request: its signal is that of the running scope, and a header tells what is left of the request's
 * deadline, or of a shorter `timeout` around the call, so that whoever is asked need not work longer than the client waits. The header is the first of `header` in the options of the
 * handler, otherwise `x-request-timeout-ms`. Outside a request there is no header.
 *
 * @param init of your own: its headers are kept, and so is everything else; a `signal` of yours takes the place of this one
 * @example
 * const response = await fetch(url, outgoing({ headers: { accept: 'application/json' } }));
 */
export function outgoing(): Outgoing;
export function outgoing<T extends object>(init: T): Omit<T, 'headers'> & Outgoing;
export function outgoing(init: { readonly headers?: unknown } = {}): Outgoing {
  const headers = plainHeaders(init.headers);
  const request = servedRequest.get();
  const due = request === null ? null : earliest(request.due, deadlineAround());
  if (request !== null && due !== null) {
    // The names of headers have no case: a second spelling would be sent along, and the two values joined.
    for (const name of Object.keys(headers)) if (name.toLowerCase() === request.header) delete headers[name];
    headers[request.header] = headerOf(request.header, due - getRunningLoop().time());
  }
  const own = (init as { readonly signal?: PlatformAbortSignal | null }).signal;
  const signal = own ?? currentTask()?.signal;
  return { ...init, ...(signal === undefined ? {} : { signal }), headers };
}

/** Headers in any of the forms that `fetch` takes. */
function plainHeaders(headers: unknown): Record<string, string> {
  if (headers === undefined || headers === null) return {};
  if (!(Symbol.iterator in Object(headers))) return { ...(headers as Record<string, string>) };
  const plain: Record<string, string> = {};
  for (const [name, value] of headers as Iterable<[string, string]>) {
    const before = plain[name];
    plain[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return plain;
}
