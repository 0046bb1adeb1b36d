import { type ChildProcess, fork } from 'node:child_process';
import { messageOf } from '../border/index.ts';
import { randomUUID, v8 } from '../late.ts';
import { type EngineWorker, NotStarted } from './engine.ts';
import { IdleTimer } from './idle-timer.ts';
import { argumentsForProcesses } from './inherited-arguments.ts';
import { type Envelope, isEnvelope } from './process-messages.ts';
import type { Assignment, Reply } from './work.ts';
import { workerFile } from './worker-file.ts';

/** How worker processes are started. */
export interface ProcessSettings {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly execArgv?: readonly string[] | undefined;
}

interface Pending {
  readonly id: string;
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

/** An idle process ends when this one ends; one that runs a job would not notice. */
const alive = new Set<WorkerProcess>();

function killAll(): void {
  for (const worker of alive) worker.kill();
}

function isThere(worker: WorkerProcess): void {
  if (alive.size === 0) process.once('exit', killAll);
  alive.add(worker);
}

function isGone(worker: WorkerProcess): void {
  alive.delete(worker);
  if (alive.size === 0) process.off('exit', killAll);
}

/** One child process. */
export class WorkerProcess implements EngineWorker {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #idleTimer = new IdleTimer();
  #pending: Pending | null = null;
  #isAlive = true;

  /** @param onGone called when the process has ended, or will answer no more */
  constructor({ env, execArgv }: ProcessSettings, onGone: () => void) {
    this.#child = newChild(env, execArgv ?? argumentsForProcesses());
    isThere(this);
    this.#child.on('message', (message: unknown) => this.#receive(message));
    this.#gone = new Promise((resolve) => {
      const end = (reason: Error): void => {
        this.#isAlive = false;
        this.#idleTimer.stop();
        isGone(this);
        onGone();
        this.#settle(({ reject }) => reject(reason));
        resolve();
      };
      this.#child.once('exit', (code, signal) => end(exitError(code, signal)));
      this.#child.on('error', (error) => {
        if (this.#child.pid === undefined) end(notStarted(error)); // otherwise its exit event reports the reason
      });
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** The code of a job may send its own messages, as some tools do when there is a channel: they are ignored. */
  #receive(message: unknown): void {
    if (!isEnvelope(message) || message.id !== this.#pending?.id) return;
    this.#settle(({ resolve, reject }) => {
      try {
        resolve(v8().deserialize(message.bytes) as Reply);
      } catch (error) {
        reject(error);
      }
    });
  }

  run(assignment: Assignment): Promise<Reply> {
    // Serialized here, because values that cannot be sent must be found before.
    const envelope: Envelope = { id: randomUUID(), bytes: v8().serialize(assignment) };
    this.#idleTimer.stop();
    this.#child.ref();
    this.#child.channel?.ref?.();
    return new Promise<Reply>((resolve, reject) => {
      this.#pending = { id: envelope.id, resolve, reject };
      // A process that is ending does not read any more; its exit event reports the reason.
      this.#child.send(envelope, () => {});
    });
  }

  rest(seconds: number): void {
    this.#child.unref();
    this.#child.channel?.unref?.();
    this.#idleTimer.start(seconds, () => this.kill());
  }

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

/** Some failures are thrown, others are reported by an event. */
function newChild(env: ProcessSettings['env'], execArgv: readonly string[]): ChildProcess {
  try {
    return fork(workerFile('process-worker'), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...execArgv],
      ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
    });
  } catch (error) {
    throw notStarted(error);
  }
}

function notStarted(error: unknown): NotStarted {
  return new NotStarted(messageOf(error), { cause: error });
}

function exitError(code: number | null, signal: string | null): Error {
  return new Error(signal === null ? `the process exited with code ${code}` : `the process was killed by ${signal}`);
}
