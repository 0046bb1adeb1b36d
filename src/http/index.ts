/// <reference lib="esnext.disposable" preserve="true" />

/**
 * A request is a task: for every framework whose handlers are `(Request) => Response` or `(request, response)`.
 *
 * @module asyncio-ts/http
 */

export { type DrainReport, drain, type ServerLike } from './drain.ts';
export { type RequestLike, type ResponseLike, taskHandler } from './handler.ts';
export { type IncomingLike, type OutgoingLike, type TaskListener, taskListener } from './listener.ts';
export type { RequestOptions } from './options.ts';
export { type Outgoing, outgoing } from './outgoing.ts';
