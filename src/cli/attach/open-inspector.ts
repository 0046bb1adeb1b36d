import { readFileSync } from 'node:fs';
import net from 'node:net';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type Address, addressOf, textOf } from './address.ts';
import { AttachError } from './attach-error.ts';
import { closeFromInside } from './close-from-inside.ts';
import type { Inspector } from './inspector.ts';
import { listenersOf, NewListeners } from './listeners.ts';
import { catchesSignal, checkProcess, notPrepared } from './process-check.ts';
import { Search } from './search.ts';

/** A session with a process, and whether its inspector was opened for it. */
export interface Opened {
  readonly inspector: Inspector;
  readonly hasOpened: boolean;
}

/** How long it may take. A process that has just been started, or another tool that is just leaving, needs a moment. */
const PATIENCE_MS = 5_000;
/** An inspector that is open answers at once. One that takes longer may still answer while other things are tried. */
const AT_ONCE_MS = 300;
/** So long only the expected address is tried after the signal: to look for other ones takes longer than Node needs. */
const ONLY_EXPECTED_MS = 200;
/** After so long without an inspector the signal is sent again: another tool may have closed what it had opened. */
const AGAIN_MS = 500;
/** The same where something was seen that has gone; longer each time. */
const AGAIN_SOON_MS = 50;
const MOST_SIGNALS = 10;
/** So long a tool that is told to end waits for the inspector that it has asked for, in order to close it. */
const LEAVING_MS = 1_000;

/**
 * Connects to the inspector of a process, and opens it before if it is not open, as `kill -USR1` does.
 *
 * @param signal gives it up; an inspector that has been opened is closed again
 * @throws {AttachError} when that cannot be done
 * @throws the reason of the signal
 */
export async function openInspector(pid: number, signal: AbortSignal): Promise<Opened> {
  checkProcess(pid);
  const search = new Search(ownPid(pid));
  try {
    return await open(pid, search, signal);
  } catch (error) {
    search.found?.inspector.close();
    throw error;
  } finally {
    search.end();
  }
}

async function open(pid: number, search: Search, signal: AbortSignal): Promise<Opened> {
  const end = performance.now() + PATIENCE_MS;
  const expected = expectedAddress(read(pid, 'cmdline'), read(pid, 'environ'));
  const fresh = new NewListeners(pid); // before anything else: another tool may open the inspector at any moment
  const { before } = fresh;
  // It may be open already, perhaps at another port than the expected one. Those far from it belong to the program itself.
  const isLikely = ({ port }: Address): boolean => expected === null || port === expected.port || isUsual(port);
  search.ask(before.filter(isLikely));
  await search.settled(AT_ONCE_MS);
  if (expected !== null) await untilFree(expected, pid, search, end, signal);
  if (search.found === null) await waitUntilPrepared(pid, end);
  signal.throwIfAborted();
  if (search.found !== null) return { inspector: search.found.inspector, hasOpened: false };
  const unlikely = before.filter((address) => !isLikely(address));
  const opening = new Opening(pid, { expected, fresh, unlikely, search, signal, end });
  try {
    return await opening.opened();
  } finally {
    opening.end();
  }
}

/** What is known when the signal is to be sent. */
interface Beginning {
  /** Where Node opens the inspector; `null` where nobody knows. */
  readonly expected: Address | null;
  /** Those at which the process had not listened when the tool began. */
  readonly fresh: NewListeners;
  /** Where the process has listened before, as far as nobody has asked there. */
  readonly unlikely: readonly Address[];
  /** Asks those that were there before: what it finds was not opened by the signal, even if it answers only after it. */
  readonly search: Search;
  readonly signal: AbortSignal;
  readonly end: number;
}

/** A process is sent the signal, and its inspector is looked for. */
class Opening {
  readonly #pid: number;
  readonly #beginning: Beginning;
  readonly #new: NewListeners;
  readonly #search: Search;
  readonly #began = performance.now();
  #signals = 0;
  #sent = Number.NEGATIVE_INFINITY;

  constructor(pid: number, beginning: Beginning) {
    this.#pid = pid;
    this.#beginning = beginning;
    this.#new = beginning.fresh;
    this.#search = new Search(ownPid(pid));
  }

  async opened(): Promise<Opened> {
    const { search: old, unlikely, signal } = this.#beginning;
    let hasAskedAll = false;
    let checked = this.#began;
    let { end } = this.#beginning;
    for (let now = this.#began; now < end; now = performance.now()) {
      if (signal.aborted) end = Math.min(end, Math.max(this.#sent, checked) + LEAVING_MS);
      this.#send(now);
      this.#look(now);
      if (!hasAskedAll && now - this.#began > AT_ONCE_MS) {
        // It may have been open all the time, at an address that was not expected.
        hasAskedAll = true;
        old.ask(unlikely);
      }
      await this.#search.next(1);
      const { found } = this.#search;
      if (old.found !== null || found !== null) return await this.#take();
      if (!signal.aborted && now - checked > 100) {
        checkProcess(this.#pid); // it may have ended
        checked = now;
      }
    }
    signal.throwIfAborted();
    throw new AttachError(
      `process ${this.#pid} has not opened its inspector within ${PATIENCE_MS / 1_000} s: it may be in the middle of native code, after which the inspector is open until the process ends, or have a listener for SIGUSR1`,
    );
  }

  end(): void {
    this.#search.end();
  }

  /** Sends the signal, and once more where another tool seems to have closed meanwhile what the first one had opened. */
  #send(now: number): void {
    const { search: old, signal } = this.#beginning;
    const hasLost = this.#search.hasLost || old.hasLost;
    const patience = hasLost ? AGAIN_SOON_MS * this.#signals : AGAIN_MS;
    if (now - this.#sent < patience || !this.#search.isIdle) return;
    if (this.#signals === MOST_SIGNALS || signal.aborted) return;
    sendSignal(this.#pid);
    this.#signals++;
    this.#sent = now;
    this.#search.hasLost = false;
    old.hasLost = false;
  }

  #look(now: number): void {
    const { expected, search: old } = this.#beginning;
    const isEarly = now - this.#began < ONLY_EXPECTED_MS;
    if (expected !== null && !old.isAsking(expected)) this.#search.ask([expected], true);
    if (!isEarly || expected === null) this.#search.ask(this.#fresh());
  }

  #fresh(): Address[] {
    const address = this.#new.take();
    return address === null ? [] : [address];
  }

  async #take(): Promise<Opened> {
    const { search: old, signal } = this.#beginning;
    const own = this.#search.found?.inspector ?? null;
    const inspector = old.found?.inspector ?? own!;
    const hasOpened = old.found === null;
    if (!hasOpened) own?.close();
    if (!signal.aborted) return { inspector, hasOpened };
    if (hasOpened) await closeFromInside(inspector);
    else inspector.close();
    throw signal.reason;
  }
}

/** The port that Node takes when nothing else is said. */
const DEFAULT_PORT = 9229;

/** A port that programs give to their inspectors when the first one is taken. */
function isUsual(port: number): boolean {
  return port >= DEFAULT_PORT && port < DEFAULT_PORT + 10;
}

/** An option that says where. Node takes `_` for `-`, and the value of those that must have one also from the next argument. */
const PLACE_OPTION = /--(?:inspect(?:[-_](?:brk|wait))?=|(?:inspect|debug)[-_]port[=\0 ])([^\0 ]*)/g;
/** A port, a host, or both; a host with colons is in brackets. */
const PLACE = /^(?:(\d+)|(\[[^\]]*\]|[^:]*)(?::(\d+))?)$/;

/**
 * Where Node opens the inspector of a process; `null` where it takes any free port.
 *
 * @param commandLine the arguments of the process, with a NUL after each of them
 * @param environment its variables, in the same way
 */
export function expectedAddress(commandLine: string, environment: string): Address | null {
  const options = `${/(?:^|\0)NODE_OPTIONS=([^\0]*)/.exec(environment)?.[1] ?? ''}\0${commandLine}`;
  let host = '';
  let port = DEFAULT_PORT;
  for (const [, place] of options.matchAll(PLACE_OPTION)) {
    const [, onlyPort, ownHost, ownPort] = PLACE.exec(place!) ?? [];
    host = ownHost || host;
    port = Number(onlyPort ?? ownPort ?? port);
  }
  return port === 0 ? null : addressOf(host, port);
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

/** Waits until the inspector is found, or its address is free: another process may be looked at just now. */
async function untilFree(
  address: Address,
  pid: number,
  search: Search,
  end: number,
  signal: AbortSignal,
): Promise<void> {
  while (search.found === null && (await isTaken(address))) {
    signal.throwIfAborted();
    // Nothing is sent to the program of somebody else.
    const own = listenersOf(pid);
    const isLast = performance.now() > end - PATIENCE_MS / 3;
    const isOwn = own.some((one) => textOf(one) === textOf(address));
    search.ask(isLast ? own : isOwn ? [address] : []); // it may be open at a port that nothing has told of
    await search.settled(AT_ONCE_MS);
    if (search.found !== null) return;
    if (isLast) throw isTakenBy(address, pid, isOwn);
    await delay(20);
  }
}

function isTakenBy({ port }: Address, pid: number, isOwn: boolean): AttachError {
  return new AttachError(
    isOwn
      ? `port ${port}, which the inspector of process ${pid} needs, is taken by a server of that process: start it with --inspect-port=0`
      : `port ${port}, which the inspector of process ${pid} needs, is taken by another process: end that one, or start this one with --inspect-port=0`,
  );
}

function isTaken({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, host);
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
