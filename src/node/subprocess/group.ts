import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { send } from './signals.ts';

/**
 * Whether a process of a group still runs.
 *
 * Processes that have ended, but whose parent has not read their status, are still in their group. In many containers the first process of
 * the system never reads it, so they stay for ever. On Linux such processes can be recognised.
 */
export function groupRuns(group: number): boolean {
  if (!send(-group, 0)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return readdirSync('/proc').some((name) => /^\d+$/.test(name) && runsIn(group, name));
  } catch {
    return true; // there is no /proc
  }
}

function runsIn(group: number, pid: string): boolean {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return false; // it has ended in the meantime
  }
  // The process id, the name in parentheses, which may contain any characters, the state, the parent, the group.
  const [state, , number] = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return Number(number) === group && state !== 'Z' && state !== 'X';
}
