import { type ChildProcess, type StdioOptions as RuntimeStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { EventLoop } from '../../kernel/lowlevel.ts';
import { settled } from '../waiting.ts';
import { counted } from './counted-writable.ts';
import type { SpawnRequest } from './request.ts';
import { type SocketPair, socketPair } from './socket-pair.ts';
import { spawnFailure } from './spawn-failure.ts';

/** A process of the runtime, and the pipes to it. */
export interface Spawned {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

/**
 * Starts a process.
 *
 * @throws {OSError} when it cannot be started
 */
export function* spawned(loop: EventLoop, request: SpawnRequest): Generator<unknown, Spawned, unknown> {
  const pair = request.channels.stderr === 'merged' ? yield* socketPair(loop) : null;
  let isStarted = false;
  try {
    const result = yield* launched(loop, request, pair);
    isStarted = true;
    return result;
  } catch (error) {
    throw spawnFailure(error, request);
  } finally {
    pair?.far.destroy(); // the process has its copy now
    if (!isStarted) pair?.near.destroy();
  }
}

function* launched(
  loop: EventLoop,
  { program, args, channels, runtime }: SpawnRequest,
  pair: SocketPair | null,
): Generator<unknown, Spawned, unknown> {
  const { stdin, stdout, stderr } = channels;
  const stdio: RuntimeStdio =
    pair === null ? [stdin, stdout, stderr as Exclude<typeof stderr, 'merged'>] : [stdin, pair.far, pair.far];
  const child = spawn(program, args, { ...runtime, stdio });
  // Runtimes report a failure later, but then the process id is missing at once.
  const { pid } = child;
  if (pid === undefined) {
    yield* settled<never>(loop, { operation: 'spawn', object: null }, ({ reject }) => {
      child.on('error', reject);
      return () => {};
    });
  }
  child.on('error', () => {}); // errors of signals are ignored, because signals are not sent with `child.kill()`
  return {
    child,
    pid: pid as number,
    stdin: child.stdin && counted(child.stdin),
    stdout: pair === null ? child.stdout : (pair.near satisfies Socket),
    stderr: child.stderr,
  };
}
