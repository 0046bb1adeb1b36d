import { isMainThread, MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { ValueError } from '../../errors/index.ts';
import type { CallFrame } from '../../inspect/frames.ts';
import { pathOf } from '../../inspect/frames.ts';
import { mapped } from '../../inspect/source-map.ts';
import { harmless } from '../../inspect/text.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { checkCallback, checkOptions } from '../../internal/options.ts';
import { logger, placesOutside, presentStack } from '../../kernel/lowlevel.ts';
import { workerFile } from '../executors/worker-file.ts';
import type { WatchdogData, WitnessedStall } from './messages.ts';

/** A time in which the thread did nothing else, so that no timer, no I/O and no other task had a turn. */
export interface Stall {
  /** For how long, in seconds, at the least: until the thread was asked to do something else, and could not. */
  readonly seconds: number;
  /** The task that ran in the middle of it, as tools show it (`load#7`); `null` when none did, and when that is not known. */
  readonly task: string | null;
  /**
   * What the thread was doing in the middle of it, the innermost function first, without the library's own; `null` when that could not be
   * had: in a synchronous call of the system, in a worker thread, and in Bun and Deno.
   */
  readonly stack: readonly CallFrame[] | null;
}

/** Options of `watchStalls`. */
export interface StallOptions {
  /** How long the thread may be blocked, in seconds or named units; half a second when absent, and at least 10 ms. */
  readonly threshold?: Duration | undefined;
  /** Whether the stack is taken: this needs a thread, which sleeps until there is a stall. True when absent. */
  readonly stacks?: boolean | undefined;
  /** What is told of each stall; it is written to the library's logger when absent. */
  readonly onStall?: ((stall: Stall) => void) | undefined;
}

/** In a threshold there are so many beats. */
const BEATS = 4;
const LEAST = 0.01;

/**
 * Tells of each time in which this thread is blocked for long, with the task and the function that block it, in any program and outside debug
 * mode: between stalls it costs a timer that fires a few times in each threshold, and the steps of tasks are as fast as without it. It keeps
 * no process alive.
 *
 * @param options `threshold`: how long is too long; `stacks`: whether the stack is taken while it happens; `onStall`: what is told of it
 * @returns what ends it: `using watch = watchStalls()`, or `watch.close()`
 * @throws {ValueError} when the threshold is below 10 ms
 * @example
 * using watch = watchStalls({ threshold: 0.2, stacks: false, onStall: ({ seconds, task }) => console.log(seconds, task) });
 * await sleep(0.01); // all is well: nothing is printed
 */
export function watchStalls(options: StallOptions = {}): StallWatch {
  checkOptions('watchStalls', options, ['threshold', 'stacks', 'onStall']);
  checkCallback('watchStalls: onStall', options.onStall);
  const threshold = inSeconds(options.threshold ?? 0.5, 'threshold');
  if (!(threshold >= LEAST)) {
    throw new ValueError(
      `watchStalls: the threshold must be at least ${LEAST} s, got ${threshold}; write 0.1 for 100 ms`,
      {
        code: 'INVALID_THRESHOLD',
      },
    );
  }
  return new StallWatch(threshold, options.stacks ?? true, options.onStall ?? write);
}

/** A watch for stalls of this thread. */
export class StallWatch implements Disposable {
  readonly #threshold: number;
  readonly #onStall: (stall: Stall) => void;
  readonly #beats = new Int32Array(new SharedArrayBuffer(4));
  readonly #timer: NodeJS.Timeout;
  readonly #watchdog: Watchdog | null;
  readonly #period: number;
  /** Fulfils when stacks can be taken, which is a moment later: a thread has to start first. */
  readonly ready: Promise<void>;
  #due: number;
  /** Whether the last beat was late: what the watchdog does then may make the next one late. */
  #wasLate = false;

  /** @internal */
  constructor(threshold: number, stacks: boolean, onStall: (stall: Stall) => void) {
    this.#threshold = threshold;
    this.#onStall = onStall;
    this.#period = Math.min(threshold / BEATS, 1);
    this.#watchdog =
      stacks && canWitness() ? new Watchdog({ beats: this.#beats, milliseconds: threshold * 1_000 }) : null;
    this.ready = this.#watchdog?.ready ?? Promise.resolve();
    this.#due = performance.now() / 1_000 + this.#period;
    this.#timer = setInterval(() => this.#beat(), this.#period * 1_000);
    this.#timer.unref();
  }

  #beat(): void {
    const now = performance.now() / 1_000;
    const late = now - this.#due;
    this.#due = now + this.#period;
    const beat = Atomics.add(this.#beats, 0, 1);
    Atomics.notify(this.#beats, 0);
    const seen = this.#watchdog?.seenAt(beat) ?? null;
    const wasLate = this.#wasLate;
    this.#wasLate = late >= this.#threshold;
    if (late < this.#threshold || (wasLate && seen === null && this.#watchdog !== null)) return;
    const stack = seen === null || seen.frames === null ? null : stackOf(seen.frames);
    try {
      this.#onStall({ seconds: late, task: seen?.task ?? null, stack });
    } catch (error) {
      logger.error('watchStalls(): onStall has thrown', error);
    }
  }

  /** Ends the watch. Ending it twice has no effect. */
  close(): void {
    clearInterval(this.#timer);
    this.#watchdog?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Node has inspector sessions of one thread with another: of a worker with the main thread only. */
function canWitness(): boolean {
  return isMainThread && process.versions['bun'] === undefined && process.versions['deno'] === undefined;
}

/** The thread that looks while this one is blocked. */
class Watchdog {
  readonly #worker: Worker;
  readonly #port: MessageChannel['port1'];
  readonly ready: Promise<void>;

  constructor(data: WatchdogData) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(workerFile('../stalls/watchdog'), {
      name: 'asyncio-ts watchdog',
      workerData: { ...data, port: port2 },
      transferList: [port2],
      execArgv: [],
    });
    this.#worker.on('error', (error) => logger.warn('watchStalls(): stacks cannot be taken', error));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#worker.once('message', () => resolve()).once('exit', () => resolve());
    this.#worker.unref();
    port1.unref();
  }

  /** What it has seen since a beat. What it has seen of earlier ones is dropped. */
  seenAt(beat: number): WitnessedStall | null {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      const stall = next.message as WitnessedStall;
      if (stall.beat === beat) return stall;
    }
    return null;
  }

  close(): void {
    this.#port.close();
    void this.#worker.terminate();
  }
}

function stackOf(frames: NonNullable<WitnessedStall['frames']>): CallFrame[] {
  const isOfProgram = placesOutside(presentStack());
  return frames
    .filter(({ url, line, column }) => {
      const place = `${url}:${line}:${column}`;
      return url !== '' && isOfProgram(place) && isOfProgram(`${pathOf(url)}:${line}:${column}`);
    })
    .map(({ name, url, line, column }) => {
      const origin = mapped(url, line, column);
      return { name, kind: 'function', file: pathOf(origin.file), line: origin.line, column: origin.column };
    });
}

function write({ seconds, task, stack }: Stall): void {
  const [innermost, ...others] = (stack ?? []).map(
    ({ name, file, line, column }) => `${name === '' ? '<anonymous>' : harmless(name)}() at ${file}:${line}:${column}`,
  );
  const who = [task === null ? null : harmless(task), innermost ?? null].filter((part) => part !== null).join(', in ');
  const title = `The loop was blocked for ${seconds.toFixed(2)} s${who === '' ? '' : ` by ${who}`}`;
  logger.warn([title, ...others.map((frame) => `    called by ${frame}`)].join('\n'));
}
