import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { AttachError } from './attach-error.ts';
import { outputOf } from './output-of.ts';

/**
 * Checks that a process is one whose inspector a signal opens. The signal must never go to another one: it would end it.
 *
 * @throws {AttachError} when it does not exist, is somebody else's, or does not run Node
 */
export function checkProcess(pid: number): void {
  try {
    process.kill(pid, 0);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EPERM') throw notOurs(pid);
    if (code === 'ESRCH') throw new AttachError(`there is no process ${pid}`);
    throw error;
  }
  if (process.platform === 'win32') return; // there is no signal that could end it
  const { runtime, isNode, state } = process.platform === 'linux' ? lookAt(pid) : askPs(pid);
  if (state === 'Z') throw new AttachError(`process ${pid} has ended, and its parent has not taken note of it yet`);
  // It would handle the signal only when it goes on: then its inspector opens, and no tool is there any more to close it.
  if (state === 'T') throw new AttachError(`process ${pid} is stopped: let it go on first, with kill -CONT ${pid}`);
  if (runtime === 'bun' || runtime === 'deno') throw otherRuntime(pid, runtime);
  if (!isNode) throw new AttachError(`process ${pid} runs ${runtime}, not Node: asyncio looks into processes of Node`);
}

/** Whether a process is prepared for the signal; a Node process is so from shortly after its start on. For Linux. */
export function catchesSignal(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)/m.exec(read(pid, 'status'))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & SIGUSR1) !== 0n;
}

const SIGUSR1 = 1n << 9n;

/** The error for a process of Node that is not prepared for the signal. */
export function notPrepared(pid: number): AttachError {
  return new AttachError(
    `process ${pid} does not let SIGUSR1 open its inspector (--disable-sigusr1): start it with --inspect=127.0.0.1:0`,
  );
}

/** The error for a process of another user. */
export function notOurs(pid: number): AttachError {
  return new AttachError(`process ${pid} belongs to another user: run this command as that user`);
}

function otherRuntime(pid: number, runtime: string): AttachError {
  const name = runtime === 'bun' ? 'Bun' : 'Deno';
  return new AttachError(
    `process ${pid} runs ${name}, whose inspector cannot be opened from outside: in the program itself, captureTasks() of asyncio-ts/inspect shows its tasks`,
  );
}

/** What a process is, by the files that Linux shows of it. */
function lookAt(pid: number): { readonly runtime: string; readonly isNode: boolean; readonly state: string } {
  const state = /^State:\s*(\w)/m.exec(read(pid, 'status'))?.[1] ?? 'Z';
  const runtime = nameOf(executableOf(pid) ?? '');
  return { runtime, isNode: isNameOfNode(runtime) || hasThreadsOfNode(pid), state };
}

/** The same where there are no such files. */
function askPs(pid: number): ReturnType<typeof lookAt> {
  const [, state = 'Z', command = ''] =
    /^\s*(\S)\S*\s+(.*)$/m.exec(outputOf('ps', ['-o', 'stat=,comm=', '-p', String(pid)])) ?? [];
  const runtime = nameOf(command.trim());
  return { runtime, isNode: isNameOfNode(runtime), state };
}

function nameOf(executable: string): string {
  return path.basename(executable.replace(/ \(deleted\)$/, '')).replace(/\.exe$/, '') || 'something';
}

function isNameOfNode(name: string): boolean {
  return /^(?:node|nodejs)(?:$|[-.\d])/.test(name);
}

/** A program that has Node inside under another name is told by a thread that Node's platform starts. */
function hasThreadsOfNode(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some(
      (thread) => read(pid, `task/${thread}/comm`).trim() === 'DelayedTaskSche',
    );
  } catch {
    return false; // it has ended
  }
}

function executableOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch (error) {
    if ((error as { code?: string }).code === 'EACCES') throw notOurs(pid);
    return null; // it has ended
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // it has ended
  }
}
