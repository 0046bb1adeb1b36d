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

/** How long it may take. A process that has just been started, or another tool that is just leaving, needs a moment. */
const PATIENCE_MS = 5_000;
/** So long only the expected port is tried after the signal: to look for other ports takes longer than Node needs. */
const ONLY_EXPECTED_MS = 200;

/**
 * Connects to the inspector of a process, and opens it before if it is not open, as `kill -USR1` does.
 *
 * @throws {AttachError} when that cannot be done
 */
export async function openInspector(pid: number): Promise<Opened> {
  checkProcess(pid);
  const end = performance.now() + PATIENCE_MS;
  const port = expectedPort(read(pid, 'cmdline'), read(pid, 'environ'));
  // It may be open already, perhaps at another port than the expected one. Those far from it belong to the program itself.
  const likely = listeningPorts(pid).filter((one) => port === null || one === port || isUsual(one));
  const open = (await connectTo(likely, pid)) ?? (port === null ? null : await untilFree(port, pid, end));
  if (open !== null) return { inspector: open, hasOpened: false };
  await waitUntilPrepared(pid, end);
  const fresh = new NewPorts(pid);
  sendSignal(pid);
  const sent = performance.now();
  for (let hasAskedAll = false, checked = sent; performance.now() < end; ) {
    const candidate = performance.now() - sent < ONLY_EXPECTED_MS ? (port ?? fresh.take()) : fresh.take();
    const inspector = candidate === null ? null : await connectTo([candidate], pid);
    if (inspector !== null) return { inspector, hasOpened: true };
    // After a while without a new port: the inspector may have been open all the time, at a port that was not expected.
    if (!hasAskedAll && end - performance.now() < PATIENCE_MS / 2) {
      hasAskedAll = true;
      const other = await connectTo(listeningPorts(pid), pid);
      if (other !== null) return { inspector: other, hasOpened: false };
    }
    if (performance.now() - checked > 100) {
      checkProcess(pid); // it may have ended
      checked = performance.now();
    }
    await delay(1);
  }
  throw new AttachError(
    `process ${pid} has not opened its inspector within ${PATIENCE_MS / 1_000} s: it may be stopped, in the middle of native code, or have a listener for SIGUSR1`,
  );
}

/** The port that Node takes when nothing else is said. */
const DEFAULT_PORT = 9229;

/** A port that programs give to their inspectors when the first one is taken. */
function isUsual(port: number): boolean {
  return port >= DEFAULT_PORT && port < DEFAULT_PORT + 10;
}

/** An option that names a port. Node takes `_` for `-`, and the value of those that must have one also from the next argument. */
const PORT_OPTION = /--(?:inspect(?:[-_](?:brk|wait))?=|(?:inspect|debug)[-_]port[=\0 ])(?:[^\0 ]*:)?(\d+)(?=[\0 ]|$)/g;

/**
 * The port at which Node opens the inspector of a process; `null` where it takes any free one.
 *
 * @param commandLine the arguments of the process, with a NUL after each of them
 * @param environment its variables, in the same way
 */
export function expectedPort(commandLine: string, environment: string): number | null {
  const options = `${/(?:^|\0)NODE_OPTIONS=([^\0]*)/.exec(environment)?.[1] ?? ''}\0${commandLine}`;
  const given = [...options.matchAll(PORT_OPTION)];
  const port = Number(given.at(-1)?.[1] ?? DEFAULT_PORT);
  return port === 0 ? null : port;
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

/**
 * Waits until a port is free: another process may be looked at just now.
 *
 * @returns a session, where it is the process itself that has the port
 */
async function untilFree(port: number, pid: number, end: number): Promise<Inspector | null> {
  while (await isTaken(port)) {
    // Nothing is sent to the program of somebody else.
    const own = listeningPorts(pid);
    const open = own.includes(port) ? await connectTo([port], pid) : null;
    if (open !== null) return open;
    if (performance.now() > end - PATIENCE_MS / 3) {
      const other = await connectTo(own, pid); // it may be open at a port that nothing has told of
      if (other !== null) return other;
      throw new AttachError(
        `port ${port}, which the inspector of process ${pid} needs, is taken by another process: end that one, or start this one with --inspect-port=0`,
      );
    }
    await delay(20);
  }
  return null;
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
