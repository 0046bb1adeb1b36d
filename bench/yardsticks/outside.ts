import { createTask, gather, sleep, type Task } from 'asyncio-ts';
import { completion } from 'asyncio-ts/testing';

/** A part of a program, in generator form. */
export type Part<T = void> = Generator<unknown, T, unknown>;

/**
 * An operation of the outside world, such as one of the file system: its effect happens when it ends, which is at a time that nobody knows.
 *
 * @param stream operations of one stream end in their order
 */
export function* operation<T = void>(label: string, effect?: () => T, stream: object | null = null): Part<T> {
  yield* completion(undefined, { label, stream });
  return effect?.() as T;
}

/** Begins so many parts, one a millisecond after the other, and waits for all of them. */
export function* oneAfterTheOther(parts: readonly (() => Part<unknown>)[]): Part {
  const tasks: Task<unknown>[] = [];
  for (const part of parts) {
    if (tasks.length > 0) yield* sleep(0.001);
    tasks.push(createTask(part()));
  }
  yield* gather(...tasks);
}

/** A file system of folders and files by their paths. */
export class Files {
  readonly #paths = new Set<string>(['']);

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  exists(path: string): Part<boolean> {
    return operation(`exists ${path}`, () => this.has(path));
  }

  stat(path: string): Part {
    return operation(`lstat ${path}`, () => this.#mustHave(path));
  }

  mkdir(path: string): Part {
    return operation(`mkdir ${path}`, () => {
      this.#mustHave(parentOf(path));
      if (this.has(path)) throw new Error(`EEXIST: file already exists, mkdir '${path}'`);
      this.#paths.add(path);
    });
  }

  list(path: string): Part<string[]> {
    return operation(`readdir ${path}`, () => {
      this.#mustHave(path);
      return [...this.#paths].filter((each) => each !== path && parentOf(each) === path);
    });
  }

  remove(path: string): Part {
    return operation(`rm ${path}`, () => {
      this.#paths.delete(path);
    });
  }

  /** Makes paths before the program begins. */
  given(...paths: readonly string[]): this {
    for (const path of paths) this.#paths.add(path);
    return this;
  }

  #mustHave(path: string): void {
    if (!this.has(path)) throw new Error(`ENOENT: no such file or directory '${path}'`);
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
