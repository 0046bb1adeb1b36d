import { readFileSync } from 'node:fs';
import net from 'node:net';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { AttachError } from './attach-error.ts';
import { Inspector } from './inspector.ts';
import { listeningPorts, NewPorts } from './listening-ports.ts';
import { catchesSignal, checkProcess, notPrepared } from './process-check.ts';

/** A session with a process, and whether its inspector was opened for it. */
export interface Opened {
  readonly inspector: Inspector;
  readonly hasOpened: boolean;
}

/** The port that Node takes when nothing else is said. */
const DEFAULT_PORT = 9229;
/** How long it may take. A process that has just been started, or another tool that is just leaving, needs a moment. */
const PATIENCE_MS = 5_000;

/**
 * Connects to the inspector of a process, and opens it before if it is not open, as `kill -USR1` does.
 *
 * @throws {AttachError} when that cannot be done
 */
export async function openInspector(pid: number): Promise<Opened> {
  checkProcess(pid);
  const end = performance.now() + PATIENCE_MS;
  const before = listeningPorts(pid);
  const saysPort = /--inspect/.test(`${read(pid, 'cmdline')} ${read(pid, 'environ')}`);
  // Other ports belong to the program itself, which is asked only when nothing else has helped.
  const likely = before.filter((port) => saysPort || (port >= DEFAULT_PORT && port < DEFAULT_PORT + 10));
  const open = await connectTo(likely, pid);
  if (open !== null) return { inspector: open, hasOpened: false };
  await waitUntilPrepared(pid, end);
  if (!saysPort) await waitUntilFree(pid, end);
  sendSignal(pid);
  const fresh = new NewPorts(pid, before);
  for (let hasAskedAll = false, checked = performance.now(); performance.now() < end; ) {
    const inspector = await connectTo(fresh.take(), pid);
    if (inspector !== null) return { inspector, hasOpened: true };
    // After a while without a new port: the inspector may have been open all the time, at a port that was not likely.
    if (!hasAskedAll && end - performance.now() < PATIENCE_MS / 2) {
      hasAskedAll = true;
      const other = await connectTo(before, pid);
      if (other !== null) return { inspector: other, hasOpened: false };
    }
    if (performance.now() - checked > 100) {
      checkProcess(pid); // it may have ended
      checked = performance.now();
    }
    await delay(3);
  }
  throw new AttachError(
    `process ${pid} has not opened its inspector within ${PATIENCE_MS / 1_000} s: it may be stopped, in the middle of native code, or have a listener for SIGUSR1`,
  );
}

async function connectTo(ports: readonly number[], pid: number): Promise<Inspector | null> {
  for (const port of ports) {
    try {
      const inspector = await Inspector.connect(port);
      if (inspector === null) continue;
      // Several processes may be seen through one port, one after the other.
      if ((await inspector.evaluate('process.pid')).value === ownPid(pid)) return inspector;
      inspector.close();
    } catch {
      // It has ended, or it is a port of the program itself.
    }
  }
  return null;
}

/** The number that a process knows itself by: another one where it is in a container. */
function ownPid(pid: number): number {
  return Number(/^NSpid:.*\s(\d+)$/m.exec(read(pid, 'status'))?.[1] ?? pid);
}

async function waitUntilPrepared(pid: number, end: number): Promise<void> {
  if (process.platform !== 'linux') return;
  while (!catchesSignal(pid)) {
    if (performance.now() > end - PATIENCE_MS * 0.8) throw notPrepared(pid);
    await delay(10);
    checkProcess(pid);
  }
}

/** Waits until the default port is free: another process may be looked at just now. */
async function waitUntilFree(pid: number, end: number): Promise<void> {
  while (await isTaken(DEFAULT_PORT)) {
    if (performance.now() > end - PATIENCE_MS / 3) {
      throw new AttachError(
        `port ${DEFAULT_PORT}, which the inspector of process ${pid} needs, is taken by another process: end that one, or start this one with --inspect-port=0`,
      );
    }
    await delay(20);
  }
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

/** Node's own way to do what the signal does, where there are no signals. */
type Debugging = typeof process & { _debugProcess?(pid: number): void };

function sendSignal(pid: number): void {
  try {
    if (process.platform === 'win32') (process as Debugging)._debugProcess?.(pid);
    else process.kill(pid, 'SIGUSR1');
  } catch (error) {
    const { message } = error as Error;
    throw new AttachError(`the inspector of process ${pid} cannot be opened: ${message}`, { cause: error });
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // another system, or it has ended
  }
}
