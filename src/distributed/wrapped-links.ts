import { rethrowIfCancelled } from '../errors/index.ts';
import { timeout, wrapPromise } from '../index.ts';
import { logger } from '../kernel/lowlevel.ts';
import { messageOf } from '../node/border/index.ts';
import type { ClientLink, Consignment, Engine, WorkerLink } from './engine.ts';

/** As a wait that ends when its task is cancelled, or a timeout around it passes: clients of stores wait for ever while they are not connected. */
async function reached<T>(promise: Promise<T>): Promise<T> {
  return await wrapPromise(promise);
}

/** A link whose calls a task can give up. Those of an engine that waits with this library can be given up anyway. */
export function clientLinkOf({ features }: Engine, link: ClientLink): ClientLink {
  if (features.inLoop === true) return link;
  return {
    offers: () => reached(link.offers()),
    clock: () => reached(link.clock()),
    backlog: () => reached(link.backlog()),
    send: (job: Consignment) => reached(link.send(job)),
    remove: (id) => reached(link.remove(id)),
    cancel: (id) => reached(link.cancel(id)),
    lookUp: (ids) => reached(link.lookUp(ids)),
    forget: (ids) => reached(link.forget(ids)),
    discard: (id, reply) => reached(link.discard(id, reply)),
    leave: (ids, client) => reached(link.leave(ids, client)),
    isWanted: (id) => reached(link.isWanted(id)),
    renew: (client, seconds) => reached(link.renew(client, seconds)),
    close: () => reached(link.close()),
  };
}

/** The same for a worker. */
export function workerLinkOf({ features }: Engine, link: WorkerLink): WorkerLink {
  if (features.inLoop === true) return link;
  return {
    beat: (running) => reached(link.beat(running)),
    lostClients: (clients) => reached(link.lostClients(clients)),
    clock: () => reached(link.clock()),
    pause: () => reached(link.pause()),
    close: () => reached(link.close()),
  };
}

/** Seconds that a connection may take to end: engines that give it up by themselves do so earlier. */
const CLOSING = 10;

/** Ends a connection. Whoever ends must not hang because the store does not answer at that moment; what is left there goes with its lease. */
export async function closed(link: { close(): Promise<void> }, whose: string): Promise<void> {
  try {
    await timeout(CLOSING, () => link.close());
  } catch (error) {
    rethrowIfCancelled(error);
    logger.warn(`the connection of ${whose} has not ended in order, and is given up: ${messageOf(error)}`);
  }
}
