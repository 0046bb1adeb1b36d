import type { Environment } from './environment.ts';

const isWindows = process.platform === 'win32';
const isDeno = 'deno' in process.versions;

/** What Node, Bun and Deno promise in any of their threads. */
export const system = {
  asyncContext: true,
  programs: !isWindows,
  datagramPeers: !isWindows && !isDeno,
  sharedPorts: process.platform === 'linux' && !isDeno,
} as const satisfies Partial<Environment>;
