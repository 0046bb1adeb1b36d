/** The main module of a worker process: takes assignments from the parent, one at a time, and ends with it. */

import { deserialize, serialize } from 'node:v8';
import { type Envelope, isEnvelope } from './process-messages.ts';
import type { Assignment, Reply } from './work.ts';
import { cannotBeSent, perform } from './worker.ts';

/** Kept, because the code of a job may replace it. */
const send = process.send?.bind(process);

function receive(message: unknown): void {
  if (!isEnvelope(message)) return;
  const { id } = message;
  perform(deserialize(message.bytes) as Assignment, 'process').then((reply) => {
    listen();
    send?.({ id, bytes: serialized(reply) } satisfies Envelope);
  });
}

function end(): void {
  process.exit();
}

/** Again after each job, because its code may have removed all listeners. */
function listen(): void {
  if (!process.listeners('message').includes(receive)) process.on('message', receive);
  if (!process.listeners('disconnect').includes(end)) process.on('disconnect', end);
}

listen();

function serialized(reply: Reply): Uint8Array {
  try {
    return serialize(reply);
  } catch (error) {
    return serialize(cannotBeSent(error, 'process'));
  }
}
