import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
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

/**
 * Waits for ports that a process did not listen at before. On Linux nothing is read but the names of its descriptors, as long as those stay the
 * same: the table of all connections may be long.
 */
export class NewPorts {
  readonly #pid: number;
  readonly #before: readonly number[];
  #descriptors = '';
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(pid: number, before: readonly number[]) {
    this.#pid = pid;
    this.#before = before;
  }

  /** The new ports there are now; nothing where nothing can have changed. */
  take(): number[] {
    const descriptors = process.platform === 'linux' ? descriptorsOf(this.#pid).join() : '';
    const now = performance.now();
    // A number may have been given to another descriptor meanwhile.
    if (descriptors === this.#descriptors && now - this.#lookedAt < LONGEST_MS) return [];
    this.#descriptors = descriptors;
    this.#lookedAt = now;
    return listeningPorts(this.#pid).filter((port) => !this.#before.includes(port));
  }
}

/** After so long one looks all the same. */
const LONGEST_MS = 100;

/** In the tables of Linux: local address and port in hex, the state, and the number of the socket. */
const ROW = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ 0A (?:\S+\s+){5}(\d+)/gm;

function portsOfLinux(pid: number): number[] {
  const ports = new Map<string, number>();
  for (const table of ['tcp', 'tcp6']) {
    // Of the process itself, which may be in a network of its own, as in a container.
    for (const [, port, socket] of attempt('', () => readFileSync(`/proc/${pid}/net/${table}`, 'latin1')).matchAll(ROW))
      ports.set(`socket:[${socket}]`, Number.parseInt(port!, 16));
  }
  if (ports.size === 0) return [];
  const found = descriptorsOf(pid).map((fd) => ports.get(attempt('', () => readlinkSync(`/proc/${pid}/fd/${fd}`))));
  return [...new Set(found.filter((port) => port !== undefined))];
}

function descriptorsOf(pid: number): string[] {
  return attempt([], () => readdirSync(`/proc/${pid}/fd`));
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
