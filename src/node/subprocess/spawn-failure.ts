import { accessSync, constants, statSync } from 'node:fs';
import { FileNotFoundError, OSError, osError, PermissionError } from '../../errors/os-error.ts';
import { describe } from '../../internal/describe.ts';
import type { SpawnRequest } from './request.ts';

/** Codes that can mean the program or the folder: the system uses the same code for both. */
const OF_PATHS = new Set(['ENOENT', 'ENOTDIR', 'EACCES']);

/** The library's error for an error of the runtime when a process could not be started: says what the problem was. */
export function spawnFailure(error: unknown, request: SpawnRequest): unknown {
  const { code, errno } = error as { code?: unknown; errno?: number };
  if (typeof code !== 'string') return error;
  const { program, runtime } = request;
  if (!OF_PATHS.has(code)) return osError(error, `cannot start ${describe(program)}`);
  const details = { syscall: 'spawn', cause: error };
  if (runtime.cwd !== undefined) {
    const problem = problemOfFolder(runtime.cwd);
    if (problem !== null) {
      const [Class, code, words] = problem;
      const message = `cannot start ${describe(program)}: cwd ${words}: ${describe(runtime.cwd)}`;
      return new Class(message, { ...details, code, path: runtime.cwd });
    }
  }
  const started = typeof runtime.shell === 'string' ? runtime.shell : program;
  const message = `cannot start ${describe(started)}: ${problemOfProgram(started, code)}`;
  const Class = code === 'ENOENT' ? FileNotFoundError : code === 'EACCES' ? PermissionError : OSError;
  return new Class(message, { ...details, code, errno, path: started });
}

type Problem = readonly [Class: new (message: string, details: object) => OSError, code: string, words: string];

function problemOfFolder(folder: string): Problem | null {
  try {
    const stats = statSync(folder);
    if (!stats.isDirectory()) return [OSError, 'ENOTDIR', 'is no folder'];
    accessSync(folder, constants.X_OK);
    return null;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'EACCES') return [PermissionError, 'EACCES', 'must not be entered'];
    if (code === 'ENOTDIR') return [OSError, 'ENOTDIR', 'is inside something that is not a folder'];
    return [FileNotFoundError, 'ENOENT', 'does not exist'];
  }
}

function problemOfProgram(program: string, code: string): string {
  if (code === 'ENOTDIR') return 'a part of its path is not a folder';
  if (!/[\\/]/.test(program)) {
    return code === 'ENOENT'
      ? 'there is no such program in PATH'
      : 'the file with this name in PATH cannot be executed';
  }
  if (code === 'EACCES') return isFolder(program) ? 'it is a folder' : 'the file is not executable';
  const isThere = statSync(program, { throwIfNoEntry: false }) !== undefined;
  return isThere ? 'the interpreter named in its first line does not exist' : 'there is no such file';
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
