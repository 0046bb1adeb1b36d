// A worker thread that speaks with the loop of another one, tells what came of it, and ends by itself.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { CancelledError, RuntimeError, run, TimeoutError, timeout, ValueError } from 'asyncio-ts';
import { connectLoop } from 'asyncio-ts/node';

/** What the other loop exposes. */
export type Functions = {
  note(line: string): void;
  rest(seconds: number, value: string): Promise<string>;
  refuse(): Promise<void>;
  /** Never ends, and notes its cancellation. */
  hang(name: string): Promise<void>;
};

const { port } = workerData as { readonly port: MessagePort };
const loop = connectLoop<Functions & { none(): void }>(port);
const found: unknown[] = [];

async function failure(what: () => unknown, ErrorClass: abstract new (...args: never[]) => Error): Promise<unknown> {
  try {
    return await what();
  } catch (error) {
    if (!(error instanceof ErrorClass)) return String(error);
    return [error.name, (error as { readonly code?: string }).code];
  }
}

loop.callSoonThreadsafe('note', 'hello');
found.push(await loop.runCoroutineThreadsafe('rest', 0.001, 'rested'));
found.push(await failure(() => loop.runCoroutineThreadsafe('refuse'), ValueError));
found.push(await failure(() => loop.runCoroutineThreadsafe('none'), RuntimeError));
found.push(await failure(() => loop.callSoonThreadsafe('note', (() => {}) as never), TypeError));

const hanging = loop.runCoroutineThreadsafe('hang', 'a');
await loop.runCoroutineThreadsafe('rest', 0, 'so that it hangs');
found.push(hanging.cancel());
found.push(await failure(() => hanging, CancelledError));
const late = () => timeout(0.01, async () => await loop.runCoroutineThreadsafe('hang', 'b'));
found.push(await failure(() => run(late), TimeoutError));
await loop.runCoroutineThreadsafe('rest', 0, 'so that it was cancelled');

// The connection stays open: it does not keep this thread alive.
parentPort?.postMessage(found);
