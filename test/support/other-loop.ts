import { EventLoop } from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { failure, iterations } from './programs.ts';
import type { Spelling } from './spellings.ts';

/** Waits for something on another loop than the one that runs; gives what it fails with. */
export function* onOtherLoop(s: Spelling, wait: () => unknown): Generator<unknown, unknown, unknown> {
  const loop = new EventLoop({ host: new VirtualHost() });
  const main = s.fn(function* () {
    return yield* failure(s, wait());
  });
  const task = loop.createTask(main);
  for (let i = 0; i < 5 && !task.done(); i++) {
    loop.runOnce();
    yield* iterations(s, 1);
  }
  loop.close();
  return task.result();
}
