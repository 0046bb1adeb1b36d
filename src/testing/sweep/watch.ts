import { type EventLoop, Future, type Instrument, Task } from '../../index.ts';
import { nameOfClass } from '../../internal/describe.ts';
import { isInStep, placeOfWait, purposeOf, takePlaceOfYield, waitsOfTask } from '../../kernel/lowlevel.ts';
import { addToHash, EMPTY_HASH } from './token.ts';

/** One wait of a program. */
export interface Site {
  /** Its number among all waits of the run, from 0. */
  readonly index: number;
  /** The number of the task, in the order in which tasks are made; 0 is the main one. */
  readonly task: number;
  readonly taskName: string;
  /** The coroutine of the task. */
  readonly coroutine: string;
  /** Such as `acquire`, `sleep`, `task`. */
  readonly operation: string;
  /** What is waited for, described; `null` when that is nothing that can be named. */
  readonly object: string | null;
  /** As `file:line:column`; `null` where it is not known. */
  readonly place: string | null;
  /** Of all waits up to this one. */
  readonly hash: number;
  /** Whether it only gives way, so that nothing ends it but the next iteration. */
  readonly givesWay: boolean;
  /** The iteration in which it began. */
  readonly began: number;
  /** The iteration in which the task went on because what it waited for was done; `null` when it never did. */
  ended: number | null;
}

/**
 * Counts what happens in a run: the tasks as they are made, their waits, the iterations of the loop. Two runs of the same program count the
 * same up to the moment in which one of them is disturbed.
 */
export class Watch implements Instrument {
  readonly #loop: () => EventLoop;
  readonly tasks: Task<unknown>[] = [];
  /** The tasks that have made them. */
  readonly parents = new Map<Task<unknown>, Task<unknown>>();
  waits = 0;
  iterations = 0;
  /** Of all waits up to now. */
  hash = EMPTY_HASH;
  readonly #numbers = new Map<Task<unknown>, number>();

  /** @param loop the loop of the run; other loops of the process do not count */
  constructor(loop: () => EventLoop) {
    this.#loop = loop;
  }

  isOurs(task: Task<unknown>): boolean {
    return task.getLoop() === this.#loop();
  }

  get loop(): EventLoop {
    return this.#loop();
  }

  numberOf(task: Task<unknown>): number {
    return this.#numbers.get(task) ?? -1;
  }

  taskSpawned(task: Task<unknown>, parent: Task<unknown> | null): void {
    if (!this.isOurs(task)) return;
    const number = this.tasks.length;
    this.#numbers.set(task, number);
    this.tasks.push(task);
    if (parent !== null) this.parents.set(task, parent);
    this.taskMade(number);
  }

  iterationBegin(loop: unknown): void {
    if (loop !== this.#loop()) return;
    this.iterations++;
    this.iterationBegan();
  }

  waitBegin(task: Task<unknown>, on: object): void {
    if (!this.isOurs(task)) return;
    const purpose = on instanceof Future ? purposeOf(on) : null;
    const operation = on instanceof Task ? 'task' : (purpose?.operation ?? 'result');
    const object = on instanceof Task ? on : (purpose?.object ?? null);
    this.#count(task, operation, object);
    this.waitBegan(this.waits++, task, on, operation, object);
  }

  gaveWay(task: Task<unknown>, wait: object): void {
    if (!this.isOurs(task)) return;
    this.#count(task, 'sleep(0)', null);
    this.waitBegan(this.waits++, task, wait, 'sleep(0)', null);
  }

  #count(task: Task<unknown>, operation: string, object: object | null): void {
    this.hash = addToHash(
      this.hash,
      `${this.numberOf(task)}.${operation}.${object === null ? '' : nameOfClass(object)}`,
    );
  }

  // What happens, for those that do something about it.

  protected taskMade(_number: number): void {}
  protected iterationBegan(): void {}
  protected waitBegan(
    _index: number,
    _task: Task<unknown>,
    _on: object,
    _operation: string,
    _object: object | null,
  ): void {}
}

/** Writes the waits of the undisturbed run down. */
export class Recorder extends Watch {
  readonly sites: Site[] = [];
  /** Steps that have ended at a promise that is not of this library, where nothing can be cancelled. */
  foreign = 0;
  /** Whether something of the program takes real time, or is an async function. */
  isSlow = false;
  readonly #open = new Map<object, Site[]>();
  /** Tasks that have had a step in this iteration. */
  readonly #stepped = new Set<Task<unknown>>();

  protected override waitBegan(
    index: number,
    task: Task<unknown>,
    on: object,
    operation: string,
    object: object | null,
  ): void {
    const givesWay = operation === 'sleep(0)';
    if (isInStep(this.loop) || (on instanceof Future && purposeOf(on)?.isExternal === true)) this.isSlow = true;
    if (operation === 'promise') this.isSlow = true;
    const site: Site = {
      index,
      task: this.numberOf(task),
      taskName: task.getName(),
      coroutine: nameOfCoroutine(task),
      operation,
      object: object === null ? null : object instanceof Task ? object.getName() : describeSafely(object),
      place: this.#placeOf(task, on),
      hash: this.hash,
      givesWay,
      began: this.iterations,
      ended: null,
    };
    this.sites.push(site);
    if (givesWay) return;
    const open = this.#open.get(on);
    if (open === undefined) this.#open.set(on, [site]);
    else open.push(site);
  }

  #placeOf(task: Task<unknown>, on: object): string | null {
    if (!(on instanceof Future)) return placeOfWait(on) ?? takePlaceOfYield();
    return waitsOfTask(task).find((wait) => wait.on === on)?.place ?? placeOfWait(on);
  }

  waitEnd(task: Task<unknown>, on: object): void {
    const open = this.#open.get(on);
    if (open === undefined) return;
    const number = this.numberOf(task);
    const at = open.findIndex((site) => site.task === number);
    if (at < 0) return;
    const [site] = open.splice(at, 1);
    site!.ended = this.iterations;
    if (open.length === 0) this.#open.delete(on);
  }

  beforeStep(task: Task<unknown>): void {
    if (this.isOurs(task)) this.#stepped.add(task);
  }

  afterStep(task: Task<unknown>): void {
    this.#noteForeign(task);
  }

  /** A step of an async function may show only now what it has gone on to. */
  iterationEnd(loop: unknown): void {
    if (loop !== this.loop) return;
    for (const task of this.#stepped) this.#noteForeign(task);
    this.#stepped.clear();
  }

  #noteForeign(task: Task<unknown>): void {
    if (task.done() || !this.#stepped.has(task)) return;
    if (!waitsOfTask(task).some(({ on, isForeign }) => on === null && isForeign)) return;
    this.#stepped.delete(task);
    this.foreign++;
    this.isSlow = true;
  }
}

function describeSafely(object: object): string {
  const text = String(object);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export function nameOfCoroutine(task: Task<unknown>): string {
  const { name } = task.getCoro() as { readonly name?: unknown };
  return typeof name === 'string' ? name : '';
}
