import { type ChildProcess, fork } from 'node:child_process';
import { deserialize, serialize } from 'node:v8';
import { argumentsForProcesses } from './inherited-arguments.ts';
import type { ProcessEngineOptions } from './process-engine.ts';
import type { Assignment, Reply } from './work.ts';
import { workerFile } from './worker-file.ts';

/** In milliseconds: what timers of the runtime can do. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

interface Pending {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

/** One child process that does one assignment at a time. It keeps this process alive only while it does. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #pending: Pending | null = null;
  #idleTimer: ReturnType<typeof setTimeout> | null = null;
  #isAlive = true;

  /** @param onGone called when the process has ended, or will answer no more */
  constructor(options: ProcessEngineOptions, onGone: () => void) {
    this.#child = fork(workerFile('process-worker'), [], {
      // Bytes that are serialized here, for what cannot be sent is to be known before.
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...(options.execArgv ?? argumentsForProcesses())],
      ...(options.env === undefined ? {} : { env: { ...process.env, ...options.env } }),
    });
    this.#child.on('message', (message: Uint8Array) => this.#settle(({ resolve }) => resolve(deserialize(message))));
    this.#gone = new Promise((resolve) => {
      const end = (reason: Error): void => {
        this.#isAlive = false;
        clearTimeout(this.#idleTimer ?? undefined);
        onGone();
        this.#settle(({ reject }) => reject(reason));
        resolve();
      };
      this.#child.once('exit', (code, signal) => end(exitError(code, signal)));
      this.#child.once('error', (error) => {
        if (this.#child.pid === undefined) end(error); // it never was
      });
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  run(assignment: Assignment): Promise<Reply> {
    const message = serialize(assignment);
    clearTimeout(this.#idleTimer ?? undefined);
    this.#child.ref();
    this.#child.channel?.ref?.();
    return new Promise<Reply>((resolve, reject) => {
      this.#pending = { resolve, reject };
      // A process that is dying reads no more; its exit tells all.
      this.#child.send(message, () => {});
    });
  }

  /** Has nothing to do now. Ends when that lasts long. */
  rest(seconds: number): void {
    this.#child.unref();
    this.#child.channel?.unref?.();
    if (seconds === Number.POSITIVE_INFINITY) return;
    this.#idleTimer = setTimeout(() => this.kill(), Math.min(seconds * 1_000, LONGEST_TIMEOUT));
    this.#idleTimer.unref();
  }

  /** Ends it at once; fulfils when it is gone. */
  kill(): Promise<void> {
    this.#isAlive = false;
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) {
      this.#child.ref(); // the promise is waited for
      this.#child.kill('SIGKILL');
    }
    return this.#gone;
  }

  #settle(how: (pending: Pending) => void): void {
    const pending = this.#pending;
    this.#pending = null;
    if (pending !== null) how(pending);
  }
}

function exitError(code: number | null, signal: string | null): Error {
  return new Error(signal === null ? `the process exited with code ${code}` : `the process was killed by ${signal}`);
}
