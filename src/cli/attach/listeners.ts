import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import process from 'node:process';
import { type Address, addressOf, textOf, unique } from './address.ts';
import { outputOf } from './output-of.ts';

/** Where a process listens for connections of TCP. */
export function listenersOf(pid: number): Address[] {
  switch (process.platform) {
    case 'linux':
      return listenersOnLinux(pid);
    case 'win32':
      // Without `-p TCP`, which would leave out those of IPv6.
      return listenersOfNetstat(outputOf('netstat', ['-ano']), pid);
    default:
      return listenersOfLsof(outputOf('lsof', ['-nP', '-a', '-p', String(pid), '-iTCP', '-sTCP:LISTEN', '-Fn']));
  }
}

/** Waits for addresses at which a process does not listen yet. Each is told once. */
export class NewListeners {
  readonly #pid: number;
  /** Where it has listened at first. */
  readonly before: readonly Address[];
  /** Sockets on Linux, elsewhere addresses. */
  readonly #known: Set<string>;
  /** When one may look again: to look takes at most half of the time, and starts a program on some systems. */
  #next = 0;

  constructor(pid: number) {
    this.#pid = pid;
    const sockets = isLinux ? socketsOf(pid) : null;
    this.before = listenersOf(pid);
    this.#known = new Set(sockets ?? this.before.map(textOf));
  }

  /** A new one; `null` when there is none, and when it is too soon to look again. */
  take(): Address | null {
    const began = performance.now();
    if (began < this.#next) return null;
    const [key, address] = isLinux ? this.#newSocket() : this.#newAddress();
    const now = performance.now();
    this.#next = now + (now - began);
    if (key !== null) this.#known.add(key);
    return address;
  }

  #newSocket(): readonly [string, Address] | readonly [null, null] {
    const fresh = new Set(socketsOf(this.#pid).filter((socket) => !this.#known.has(socket)));
    if (fresh.size > 0) for (const found of listeningSockets(this.#pid)) if (fresh.has(found[0])) return found;
    return [null, null];
  }

  #newAddress(): readonly [string | null, Address | null] {
    const address = listenersOf(this.#pid).find((one) => !this.#known.has(textOf(one))) ?? null;
    return [address === null ? null : textOf(address), address];
  }
}

const isLinux = process.platform === 'linux';

/** In the tables of Linux: local address and port in hex, the state of one who listens, and the number of the socket. */
const ROW = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A (?:\S+\s+){5}(\d+)/gm;
/** A row of another state. */
const OTHER = /^\s*\d+: \S+ \S+ (?!0A )/m;

/** The sockets that listen, and where. The kernel tells of them before all other connections, which may be very many and are not read. */
function* listeningSockets(pid: number): Generator<readonly [string, Address]> {
  for (const table of ['tcp', 'tcp6']) {
    // Of the process itself, which may be in a network of its own, as in a container.
    const file = attempt<number | null>(null, () => openSync(`/proc/${pid}/net/${table}`, 'r'));
    if (file === null) continue;
    try {
      const chunk = Buffer.alloc(16_384);
      let text = '';
      // The first piece is a short one: the kernel fills all that it gets.
      for (let size = 1_024, count = -1; count !== 0; size = chunk.length) {
        count = attempt(0, () => readSync(file, chunk, 0, size, null));
        text += chunk.toString('latin1', 0, count);
        const end = text.lastIndexOf('\n') + 1;
        const rows = text.slice(0, end);
        for (const [, host, port, socket] of rows.matchAll(ROW))
          yield [`socket:[${socket}]`, addressOf(hostOfHex(host!), Number.parseInt(port!, 16))];
        if (OTHER.test(rows)) break;
        text = text.slice(end);
      }
    } finally {
      closeSync(file);
    }
  }
}

/** The address in such a table: words of four bytes, each as the processor has it in memory, which is the lowest byte first. */
export function hostOfHex(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => Number.parseInt(`${bytes[2 * at]}${bytes[2 * at + 1]}`, 16));
  const text = groups.map((group) => group.toString(16)).join(':');
  const known: Readonly<Record<string, string>> = { '0:0:0:0:0:0:0:0': '::', '0:0:0:0:0:0:0:1': '::1' };
  return known[text] ?? text;
}

function listenersOnLinux(pid: number): Address[] {
  const own = new Set(socketsOf(pid));
  if (own.size === 0) return [];
  return unique([...listeningSockets(pid)].flatMap(([socket, address]) => (own.has(socket) ? [address] : [])));
}

/** The sockets of a process, as the links of its descriptors name them. */
function socketsOf(pid: number): string[] {
  const descriptors = attempt([], () => readdirSync(`/proc/${pid}/fd`));
  const links = descriptors.map((fd) => attempt('', () => readlinkSync(`/proc/${pid}/fd/${fd}`)));
  return links.filter((link) => link.startsWith('socket:'));
}

/** The lines `n127.0.0.1:9229` of lsof. */
export function listenersOfLsof(output: string): Address[] {
  return unique([...output.matchAll(/^n(.*):(\d+)$/gm)].map(([, host, port]) => addressOf(host!, Number(port))));
}

/** The lines `TCP 127.0.0.1:9229 0.0.0.0:0 LISTENING 4711` of netstat, whose words are in the language of the system. */
export function listenersOfNetstat(output: string, pid: number): Address[] {
  const row = /^\s*TCP\s+(\S*):(\d+)\s+\S+:0\s+\S+\s+(\d+)\s*$/gm;
  return unique(
    [...output.matchAll(row)].flatMap(([, host, port, owner]) =>
      Number(owner) === pid ? addressOf(host!, Number(port)) : [],
    ),
  );
}

/** What cannot be read has gone, or is somebody else's: both are told elsewhere. */
function attempt<T>(otherwise: T, look: () => T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
