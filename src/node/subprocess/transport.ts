import type { ChildProcess } from 'node:child_process';
import { osError, ProcessLookupError } from '../../errors/os-error.ts';
import { nameOfClass } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import { anyByName } from '../../internal/options.ts';
import {
  attach,
  type Context,
  copyContext,
  detach,
  type EventLoop,
  isLoopClosed,
  type LoopResource,
} from '../../kernel/lowlevel.ts';
import { bindMethods } from '../../streams/bound.ts';
import type {
  BaseProtocol,
  BaseTransport,
  ExtraInfo,
  SignalLike,
  SubprocessProtocol,
  SubprocessTransport,
} from '../../streams/index.ts';
import { Waiters } from '../../streams/waiters.ts';
import { ReadPipeTransport } from '../pipes/read-pipe.ts';
import { WritePipeTransport } from '../pipes/write-pipe.ts';
import { groupRuns } from './group.ts';
import { type PipeOwner, PipeProtocol } from './pipe-protocol.ts';
import { checkSignal, send, signalName, signalNumber } from './signals.ts';
import type { Spawned } from './spawn.ts';
import { SubprocessStreamProtocol } from './stream-protocol.ts';

const KILL = 'SIGKILL';

/**
 * The states of a process.
 *
 * | state   | meaning                                                        | left by                           |
 * |---------|----------------------------------------------------------------|-----------------------------------|
 * | running | it runs                                                        | its end                           |
 * | exited  | it has ended; another process may have a pipe of it open       | the end of its last pipe          |
 * | lost    | its pipes are closed too; `connectionLost` was or will be called | –                                 |
 *
 * A closed transport has closed the pipes and killed the process; it goes through the same states.
 */
type State = 'running' | 'exited' | 'lost';

/**
 * A process that was started, and its pipes.
 *
 * Follows CPython's `BaseSubprocessTransport`.
 */
export class ChildTransport implements SubprocessTransport, LoopResource, PipeOwner {
  static {
    inspectAsText(ChildTransport.prototype);
  }

  readonly #loop: EventLoop;
  readonly #context: Context = copyContext();
  readonly #child: ChildProcess;
  readonly #pid: number;
  /** Whether signals are for the whole group. Invariant: false when the group is empty, because its number may then be used again. */
  #hasGroup: boolean;
  #protocol: SubprocessProtocol;
  /** Whether the protocol is called at once: the protocol of streams only stores the bytes. */
  #direct: boolean;
  readonly #stdin: WritePipeTransport | null;
  readonly #stdout: ReadPipeTransport | null;
  readonly #stderr: ReadPipeTransport | null;
  /** Invariant: how many pipes are not closed. */
  #pipesLeft = 0;
  #state: State = 'running';
  #isClosed = false;
  #returncode: number | null = null;
  readonly #waiters: Waiters<number>;

  constructor(loop: EventLoop, protocol: SubprocessProtocol, spawned: Spawned, killGroup: boolean) {
    this.#loop = loop;
    this.#waiters = new Waiters(loop, 'wait', this);
    this.#protocol = protocol;
    this.#direct = Object.getPrototypeOf(protocol) === SubprocessStreamProtocol.prototype;
    this.#child = spawned.child;
    this.#pid = spawned.pid;
    this.#hasGroup = killGroup;
    const pipe = (fd: number): PipeProtocol => {
      this.#pipesLeft++;
      return new PipeProtocol(this, fd);
    };
    const { stdin, stdout, stderr } = spawned;
    this.#stdin = stdin && new WritePipeTransport(loop, stdin, pipe(0));
    this.#stdout = stdout && new ReadPipeTransport(stdout, pipe(1));
    this.#stderr = stderr && new ReadPipeTransport(stderr, pipe(2));
    // Only once, because the runtime's pipes keep a reference to their process.
    this.#child.once('exit', this.#onExit);
    attach(loop, this);
    bindMethods(this, 'sendSignal', 'terminate', 'kill', 'close');
    this.#call(() => this.#made());
  }

  /** No bytes are read before `connectionMade` was called, because it may pause reading. */
  #made(): void {
    try {
      this.#protocol.connectionMade(this);
    } finally {
      this.#stdout?.start();
      this.#stderr?.start();
    }
  }

  /** Calls a function that calls the protocol: in its turn, and in the context in which the process was started. */
  #call(fn: () => void): void {
    if (isLoopClosed(this.#loop)) return;
    if (this.#direct) fn();
    else this.#loop.callSoonIn(this.#context, fn);
  }

  // --------------------------------------------------------------------------------------------- events of the system

  pipeData(fd: number, data: Uint8Array): void {
    this.#call(() => this.#protocol.pipeDataReceived(fd, data));
  }

  pipeLost(fd: number, error: unknown): void {
    this.#pipesLeft--;
    this.#call(() => this.#protocol.pipeConnectionLost(fd, error));
    this.#finishIfOver();
  }

  protocol(): SubprocessProtocol {
    return this.#protocol;
  }

  readonly #onExit = (code: number | null, signal: string | null): void => {
    this.#returncode = code ?? -signalNumber(signal ?? '');
    this.#state = 'exited';
    if (this.#hasGroup) this.#hasGroup = send(-this.#pid, 0);
    this.#call(() => this.#protocol.processExited());
    this.#wake(this.#returncode);
    this.#finishIfOver();
  };

  #wake(returncode: number): void {
    if (isLoopClosed(this.#loop)) return;
    this.#waiters.release(returncode);
  }

  #finishIfOver(): void {
    if (this.#state !== 'exited' || this.#pipesLeft > 0) return;
    this.#state = 'lost';
    detach(this.#loop, this);
    this.#call(() => this.#protocol.connectionLost(null));
  }

  /** The loop is closed and does not run any more: ends everything. */
  loopClosed(): void {
    this.#stdin?.abort();
    this.close();
  }

  // --------------------------------------------------------------------------------------------- for the program

  getPid(): number {
    return this.#pid;
  }

  getReturncode(): number | null {
    return this.#returncode;
  }

  getPipeTransport(fd: number): BaseTransport | null {
    return [this.#stdin, this.#stdout, this.#stderr][fd] ?? null;
  }

  /**
   * Waits until the process has ended; the pipes may still be open. @internal
   *
   * @param object the object of the wait, for the wait records
   */
  *exited(object: object): Generator<unknown, number, unknown> {
    if (this.#returncode !== null) return this.#returncode;
    return yield* this.#waiters.wait(object);
  }

  /**
   * Sends a signal. When the process has ended but its pipes are open, nothing happens.
   *
   * @throws {ProcessLookupError} when the process has ended and its pipes are closed
   * @throws {PermissionError} when it may not be signalled
   * @throws {TypeError} or {ValueError} when it is not a signal
   */
  sendSignal(signal: SignalLike): void {
    const number = checkSignal('sendSignal', signal);
    if (this.#hasGroup) this.#hasGroup = this.#send(-this.#pid, number);
    if (this.#hasGroup) return;
    if (this.#state === 'running') this.#send(this.#pid, number);
    else if (this.#state === 'lost') {
      throw new ProcessLookupError(`sendSignal: ${this} has ended`, { code: 'ESRCH', syscall: 'kill' });
    }
  }

  #send(target: number, signal: number): boolean {
    try {
      return send(target, signal);
    } catch (error) {
      throw osError(error, `send ${signalName(signal)} to ${this}`);
    }
  }

  terminate(): void {
    this.sendSignal('SIGTERM');
  }

  kill(): void {
    this.sendSignal(KILL);
  }

  /** Whether a signal would reach a process: this one, or another one of its group. @internal */
  hasSurvivors(): boolean {
    if (this.#hasGroup) this.#hasGroup = send(-this.#pid, 0);
    return this.#hasGroup || this.#state === 'running';
  }

  /** Whether a process of its group still runs. @internal */
  groupRuns(): boolean {
    return this.#hasGroup && groupRuns(this.#pid);
  }

  /** Closes the pipes, and kills the process when it still runs. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stdin?.close();
    this.#stdout?.close();
    this.#stderr?.close();
    if (this.#state !== 'running') return;
    try {
      this.kill();
    } catch {
      // It runs as another user and cannot be killed.
    }
  }

  isClosing(): boolean {
    return this.#isClosed;
  }

  setProtocol(protocol: BaseProtocol): void {
    this.#protocol = protocol as SubprocessProtocol;
    this.#direct = false;
  }

  getProtocol(): BaseProtocol {
    return this.#protocol;
  }

  getExtraInfo<K extends keyof ExtraInfo>(name: K): ExtraInfo[K] | undefined;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: { readonly default: D }): ExtraInfo[K] | D;
  getExtraInfo<K extends keyof ExtraInfo, D>(name: K, otherwise: D): ExtraInfo[K] | D;
  getExtraInfo(name: string, otherwise?: unknown): unknown;
  getExtraInfo(name: string, otherwise?: unknown): unknown {
    return name === 'subprocess' ? this.#child : anyByName('default', otherwise);
  }

  toString(): string {
    const parts = [nameOfClass(this), `pid=${this.#pid}`];
    if (this.#isClosed) parts.splice(1, 0, 'closed');
    parts.push(this.#returncode === null ? 'running' : `returncode=${this.#returncode}`);
    const pipes = { stdin: this.#stdin, stdout: this.#stdout, stderr: this.#stderr };
    for (const [name, pipe] of Object.entries(pipes)) if (pipe !== null) parts.push(`${name}=${pipe}`);
    return `<${parts.join(' ')}>`;
  }
}
