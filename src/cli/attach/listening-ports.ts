import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import process from 'node:process';

/** The TCP ports that a process listens at. */
export function listeningPorts(pid: number): number[] {
  switch (process.platform) {
    case 'linux':
      return portsOfLinux(pid);
    case 'win32':
      return portsOfNetstat(run('netstat', ['-ano', '-p', 'TCP']), pid);
    default:
      return portsOfLsof(run('lsof', ['-nP', '-a', '-p', String(pid), '-iTCP', '-sTCP:LISTEN', '-Fn']));
  }
}

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
  const descriptors = attempt([], () => readdirSync(`/proc/${pid}/fd`));
  const found = descriptors.map((fd) => ports.get(attempt('', () => readlinkSync(`/proc/${pid}/fd/${fd}`))));
  return [...new Set(found.filter((port) => port !== undefined))];
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

function run(command: string, args: readonly string[]): string {
  return attempt('', () => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}

/** What cannot be read has gone, or is somebody else's: both are told elsewhere. */
function attempt<T>(otherwise: T, look: () => T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
