import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { folder } from './support.ts';

/** The path of a new named pipe. */
export function mkfifoSync(): string {
  const fifo = path.join(folder(), 'fifo');
  execFileSync('mkfifo', [fifo]);
  return fifo;
}
