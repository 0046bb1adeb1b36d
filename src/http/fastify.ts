import { builtinModule } from '../kernel/lowlevel.ts';

/** The part of `node:diagnostics_channel` that this library uses. */
interface Diagnostics {
  subscribe(channel: string, listener: (message: unknown) => void): void;
}

/** What Fastify says when the promise of a handler has settled. */
interface Settled {
  readonly reply?: { readonly raw?: object };
  readonly error?: unknown;
}

/** Responses that the deadline has answered, and what to call when the handler returns nevertheless. */
const late: WeakMap<object, () => void> = /* @__PURE__ */ new WeakMap();

let isListening = false;

/**
 * Fastify drops what a handler returns after the response was sent, without a call that could be noticed. Its diagnostics channel tells how
 * each async handler has ended. Fastify looks for subscribers when it calls the handler, so this has to come first. It stays, because there is
 * no moment after which no handler runs.
 */
export function listenToFastify(): void {
  if (isListening) return;
  isListening = true;
  const diagnostics = builtinModule('node:diagnostics_channel') as Diagnostics | undefined;
  diagnostics?.subscribe('tracing:fastify.request.handler:asyncStart', (message) => {
    const { reply, error } = message as Settled;
    if (error === undefined && reply?.raw !== undefined) late.get(reply.raw)?.();
  });
}

/** Calls back when a handler of Fastify returns although its response was answered at the deadline. */
export function whenFastifyReturns(response: object, callback: () => void): void {
  late.set(response, callback);
}
