/** The main module of a worker process: takes assignments from the parent, one at a time, and ends with it. */

import { deserialize, serialize } from 'node:v8';
import type { Assignment, Reply } from './work.ts';
import { cannotBeSent, perform } from './worker.ts';

process.on('message', (message: Uint8Array) => {
  const assignment = deserialize(message) as Assignment;
  perform(assignment).then((reply) => process.send?.(serialized(reply)));
});
process.on('disconnect', () => process.exit());

function serialized(reply: Reply): Uint8Array {
  try {
    return serialize(reply);
  } catch (error) {
    return serialize(cannotBeSent(error));
  }
}
