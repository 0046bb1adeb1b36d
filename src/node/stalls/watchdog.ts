import inspector from 'node:inspector';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { WatchdogData, WitnessedStall } from './messages.ts';

/**
 * The thread that looks at the main thread while it is blocked. It sleeps until the beats of the main thread stay away, and only then
 * connects the engine's inspector, has the main thread paused for a moment, and reads its stack.
 */

const { beats, milliseconds, port } = workerData as WatchdogData & { readonly port: MessagePort };

/** Code that never comes back to JavaScript, such as a synchronous read, cannot be paused. */
const PATIENCE = 3_000;

/** What runs in the main thread, told by each copy of the library. */
const WHO =
  "globalThis[Symbol.for('asyncio-ts')]?.copies.map((copy) => copy.running?.() ?? null).find(Boolean) ?? null";

/** Node's types do not have it: added in Node 12.11 for sessions of workers. */
interface MainThreadSession extends inspector.Session {
  connectToMainThread(): void;
}

interface Answer {
  readonly exceptionDetails?: object;
  readonly result: { readonly value?: unknown };
}

async function watch(): Promise<never> {
  for (;;) {
    const seen = Atomics.load(beats, 0);
    if ((await changed(seen, milliseconds)) || Atomics.load(beats, 0) !== seen) continue;
    port.postMessage(await witness(seen));
    while (Atomics.load(beats, 0) === seen) await changed(seen, milliseconds);
  }
}

async function changed(seen: number, timeout: number): Promise<boolean> {
  const { value } = Atomics.waitAsync(beats, 0, seen, timeout);
  return (await value) !== 'timed-out';
}

function witness(beat: number): Promise<WitnessedStall> {
  const session = new inspector.Session() as MainThreadSession;
  return new Promise((resolve) => {
    const end = (stall: WitnessedStall): void => {
      clearTimeout(timer);
      session.disconnect(); // which lets the main thread go on
      resolve(stall);
    };
    const timer = setTimeout(end, PATIENCE, { beat, task: null, frames: null });
    const urls = new Map<string, string>();
    session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
    session.on('Debugger.paused', ({ params: { callFrames } }) => {
      if (Atomics.load(beats, 0) !== beat) {
        end({ beat, task: null, frames: null }); // it is over: this is the stack of something else
        return;
      }
      const frames = callFrames.map(({ functionName, url, location }) => ({
        name: functionName,
        url: url === '' ? (urls.get(location.scriptId) ?? '') : url,
        line: location.lineNumber + 1,
        column: (location.columnNumber ?? 0) + 1,
      }));
      const ask = (at: number): void => {
        const callFrameId = callFrames[at]?.callFrameId ?? '';
        const question = { callFrameId, expression: WHO, returnByValue: true, silent: true };
        session.post('Debugger.evaluateOnCallFrame', question, (error, answer: Partial<Answer> | undefined) => {
          // A frame of the runtime has no globals, and a program may have variables of these names.
          const isAnswered = error === null && answer?.exceptionDetails === undefined;
          if (!isAnswered && at + 1 < callFrames.length) ask(at + 1);
          else end({ beat, task: isAnswered ? ((answer?.result?.value ?? null) as string | null) : null, frames });
        });
      };
      ask(0);
    });
    session.connectToMainThread();
    session.post('Debugger.enable');
    session.post('Debugger.pause');
  });
}

port.on('message', () => {}); // keeps the thread alive; the main thread does not wait for it
void watch();
parentPort?.postMessage('ready');
