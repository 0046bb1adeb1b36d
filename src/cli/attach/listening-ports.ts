import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import process from 'node:process';
import { outputOf } from './output-of.ts';

/** The TCP ports that a process listens at. */
export function listeningPorts(pid: number): number[] {
  switch (process.platform) {
    case 'linux':
      return portsOfLinux(pid);
    case 'win32':
      return portsOfNetstat(outputOf('netstat', ['-ano', '-p', 'TCP']), pid);
    default:
      return portsOfLsof(outputOf('lsof', ['-nP', '-a', '-p', String(pid), '-iTCP', '-sTCP:LISTEN', '-Fn']));
  }
}

/** Waits for ports that a process does not listen at yet. Each is told once. */
export class NewPorts {
  readonly #pid: number;
  /** Sockets on Linux, elsewhere ports. */
  readonly #known: Set<string | number>;
  /** When one may look again: to look takes at most half of the time, and starts a program on some systems. */
  #next = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#known = new Set<string | number>(isLinux ? socketsOf(pid) : listeningPorts(pid));
  }

  /** A new port; `null` when there is none, and when it is too soon to look again. */
  take(): number | null {
    const began = performance.now();
    if (began < this.#next) return null;
    const [key, port] = isLinux ? this.#newSocket() : this.#newPort();
    const now = performance.now();
    this.#next = now + (now - began);
    if (key !== null) this.#known.add(key);
    return port;
  }

  #newSocket(): readonly [string, number] | readonly [null, null] {
    const fresh = new Set(socketsOf(this.#pid).filter((socket) => !this.#known.has(socket)));
    if (fresh.size > 0) for (const found of listeners(this.#pid)) if (fresh.has(found[0])) return found;
    return [null, null];
  }

  #newPort(): readonly [number | null, number | null] {
    const port = listeningPorts(this.#pid).find((one) => !this.#known.has(one)) ?? null;
    return [port, port];
  }
}

const isLinux = process.platform === 'linux';

/** In the tables of Linux: local address and port in hex, the state of one who listens, and the number of the socket. */
const ROW = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A (?:\S+\s+){5}(\d+)/gm;
/** A row of another state. */
const OTHER = /^\s*\d+: \S+ \S+ (?!0A )/m;

/** The sockets that listen, and their ports. The kernel tells of them before all other connections, which may be very many and are not read. */
function* listeners(pid: number): Generator<readonly [string, number]> {
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
        for (const [, port, socket] of rows.matchAll(ROW)) yield [`socket:[${socket}]`, Number.parseInt(port!, 16)];
        if (OTHER.test(rows)) break;
        text = text.slice(end);
      }
    } finally {
      closeSync(file);
    }
  }
}

function portsOfLinux(pid: number): number[] {
  const own = new Set(socketsOf(pid));
  if (own.size === 0) return [];
  return [...new Set([...listeners(pid)].flatMap(([socket, port]) => (own.has(socket) ? [port] : [])))];
}

/** The sockets of a process, as the links of its descriptors name them. */
function socketsOf(pid: number): string[] {
  const descriptors = attempt([], () => readdirSync(`/proc/${pid}/fd`));
  const links = descriptors.map((fd) => attempt('', () => readlinkSync(`/proc/${pid}/fd/${fd}`)));
  return links.filter((link) => link.startsWith('socket:'));
}

/** The lines `n127.0.0.1:9229` of lsof. */
export function portsOfLsof(output: string): number[] {
  return [...new Set([...output.matchAll(/^n.*:(\d+)$/gm)].map(([, port]) => Number(port)))];
}

/** The lines `TCP 127.0.0.1:9229 0.0.0.0:0 LISTENING 4711` of netstat, whose words are in the language of the system. */
export function portsOfNetstat(output: string, pid: number): number[] {
  const row = /^\s*TCP\s+\S*:(\d+)\s+\S+:0\s+\S+\s+(\d+)\s*$/gm;
  return [
    ...new Set([...output.matchAll(row)].flatMap(([, port, owner]) => (Number(owner) === pid ? Number(port) : []))),
  ];
}

/** What cannot be read has gone, or is somebody else's: both are told elsewhere. */
function attempt<T>(otherwise: T, look: () => T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
