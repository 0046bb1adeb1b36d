import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { isCancelledError } from '../../errors/errors.ts';
import { RuntimeError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import {
  attach,
  type CoroutineLike,
  detach,
  type EventLoop,
  isLoopClosed,
  type LoopResource,
  type Task,
} from '../../kernel/lowlevel.ts';
import { guarded, messageOf, type Packed, pack, packThrown, sentence, unpack } from '../border/index.ts';
import { type LoopFunctions, marked, type Request, type Response, unmarked } from './messages.ts';

/**
 * Gives another thread access to a loop of this one: made by `exposeLoop`.
 *
 *     OPEN ──close(), the loop or the other side closes──▶ CLOSED
 */
export class LoopDoor implements Disposable, LoopResource {
  static {
    inspectAsText(LoopDoor.prototype);
  }

  /** The other end: send it to the thread that shall have it, for `connectLoop`. It must be in the list of what is transferred. */
  readonly port: MessagePort;
  readonly #loop: EventLoop;
  readonly #functions: LoopFunctions;
  readonly #own: MessagePort;
  /** The tasks that run for the other side. */
  readonly #tasks = new Map<number, Task<unknown>>();
  #isClosed = false;

  /** @internal */
  constructor(loop: EventLoop, functions: LoopFunctions) {
    const { port1, port2 } = new MessageChannel();
    this.#loop = loop;
    this.#functions = functions;
    this.#own = port1;
    this.port = port2;
    attach(loop, this);
    port1.on('message', (message: unknown) => this.#receive(unmarked(message)));
    port1.on('close', () => this.#closed());
    port1.unref(); // the loop keeps the program alive while it runs
  }

  /** Whether requests are not accepted any more. */
  isClosed(): boolean {
    return this.#isClosed;
  }

  /** Accepts no more requests; pending calls of the other side fail. Tasks that run here go on. */
  close(): void {
    if (this.#isClosed) return;
    this.#answer({ type: 'closed' });
    this.#closed();
    this.#own.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  loopClosed(): void {
    this.close();
  }

  #closed(): void {
    this.#isClosed = true;
    detach(this.#loop, this);
  }

  #receive(request: Request | undefined): void {
    if (this.#isClosed || request === undefined) return;
    switch (request.type) {
      case 'call':
        this.#call(request.name, request.args);
        break;
      case 'run':
        this.#loop.callSoonThreadsafe(() => this.#run(request.id, request.name, request.args));
        break;
      case 'cancel':
        this.#loop.callSoonThreadsafe(() => this.#tasks.get(request.id)?.cancel());
    }
  }

  #call(name: string, args: Packed): void {
    try {
      this.#loop.callSoonThreadsafe(this.#find(name), ...(unpack(args) as never[]));
    } catch (exception) {
      this.#loop.callExceptionHandler({ message: `Another thread's callSoonThreadsafe(${name}) failed`, exception });
    }
  }

  #run(id: number, name: string, packed: Packed): void {
    let task: Task<unknown>;
    try {
      const fn = this.#find(name);
      const args = unpack(packed) as never[];
      task = this.#loop.createTask((() => fn(...args)) as CoroutineLike<unknown>, { name });
    } catch (error) {
      this.#answer({ type: 'error', id, error: packThrown(error, 'thread') });
      return;
    }
    this.#tasks.set(id, task);
    task.addDoneCallback(() => {
      this.#tasks.delete(id);
      this.#report(id, name, task);
    });
  }

  #report(id: number, name: string, task: Task<unknown>): void {
    const error = task.cancelled() ? null : task.exception();
    // The thrown value may be a proxy that throws when its class is read.
    const isCancellation = task.cancelled() || guarded(() => isCancelledError(error), false);
    if (isCancellation) this.#answer({ type: 'cancelled', id });
    else if (error !== null) this.#answer({ type: 'error', id, error: packThrown(error, 'thread') });
    else this.#answerWithResult(id, name, task.result());
  }

  #answerWithResult(id: number, name: string, value: unknown): void {
    const packing = pack(value, 'thread');
    let problem: string;
    try {
      if ('packed' in packing) {
        this.#answer({ type: 'result', id, value: packing.packed });
        return;
      }
      problem = sentence(packing.problem);
    } catch (error) {
      problem = ` cannot be cloned: ${messageOf(error)}`;
    }
    const what = `the result of ${name}() cannot be sent to another thread: result${problem}`;
    this.#answer({ type: 'error', id, error: packThrown(typeError(what, 'RESULT_NOT_CLONEABLE'), 'thread') });
  }

  #answer(response: Response): void {
    if (!this.#isClosed) this.#own.postMessage(marked(response));
  }

  #find(name: string): (...args: never[]) => unknown {
    const fn = Object.hasOwn(this.#functions, name) ? this.#functions[name] : undefined;
    if (fn !== undefined) return fn;
    throw new RuntimeError(
      `this loop does not expose ${name}(), it exposes ${Object.keys(this.#functions).join(', ') || 'no functions'}`,
      { code: 'FUNCTION_NOT_EXPOSED' },
    );
  }

  toString(): string {
    return `<LoopDoor ${this.#isClosed ? 'closed' : 'open'} tasks=${this.#tasks.size}>`;
  }
}

/**
 * Lets another thread call functions on a loop of this one. JavaScript's threads cannot share functions, so the functions that it may call
 * are given here by name; the other thread calls them through `connectLoop(door.port)`.
 *
 * The door does not keep this thread alive. It closes with the loop.
 *
 * @param loop the loop that calls the functions
 * @param functions by name: plain functions for `callSoonThreadsafe`, coroutine functions for `runCoroutineThreadsafe`
 * @throws {TypeError} when one of them is not a function
 * @throws {RuntimeError} when the loop is closed
 * @example
 * const functions = { log: (line: string) => console.log(line), rest: async (seconds: number) => sleep(seconds, 'rested') };
 * using door = exposeLoop(getRunningLoop(), functions);
 * // new Worker(url, { workerData: { port: door.port }, transferList: [door.port] });
 */
export function exposeLoop(loop: EventLoop, functions: LoopFunctions): LoopDoor {
  if (typeof loop?.callSoonThreadsafe !== 'function')
    throw typeError(`exposeLoop: an event loop is required, got ${describe(loop)}`);
  if (typeof functions !== 'object' || functions === null)
    throw typeError(`exposeLoop: an object with functions is required, got ${describe(functions)}`);
  for (const [name, fn] of Object.entries(functions)) {
    if (typeof fn !== 'function') throw typeError(`exposeLoop: ${name} must be a function, got ${describe(fn)}`);
  }
  if (isLoopClosed(loop)) throw new RuntimeError('exposeLoop: Event loop is closed', { code: 'LOOP_CLOSED' });
  return new LoopDoor(loop, functions);
}
