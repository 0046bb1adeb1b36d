import { actorOf, awaitOf, functionOfWait, Task, watchAwaits } from '../../kernel/lowlevel.ts';

/**
 * Which async function an await belongs to. Functions that were called without a task of their own, as in `gather(f(), g())`, all run in the
 * task of their caller, and each of their awaits is an object of its own: what makes one line of them is that the step which begins an
 * await goes on with the line that was resumed. When a step begins several awaits, all but the last are those of functions that it has
 * called: the caller awaits at last.
 *
 *     main()  ──▶  f() awaits ──▶  g() awaits ──▶  main awaits both
 *                  line main/1     line main/2     line main
 */

/** A function that was called in the task of its caller. */
class Line {
  readonly name: string;
  /** The await with which it was met first. */
  readonly #first: object;

  constructor(name: string, first: object) {
    this.name = name;
    this.#first = first;
  }

  /** With the function in which it was met first, where places are recorded. */
  get title(): string {
    return titleIn(this.name, functionOfWait(this.#first));
  }
}

function titleIn(name: string, functionName: string): string {
  return functionName === '' ? name : `${name} (${functionName})`;
}

/** A task stands for the line of its main function. */
type LineOrTask = Line | Task<unknown>;

const lines = new WeakMap<object, LineOrTask>();
const tasks = new WeakMap<LineOrTask, Task<unknown>>();
const children = new WeakMap<LineOrTask, number>();
let current: LineOrTask | null = null;
/** The last await that the present step has begun. */
let last: { readonly wait: object; readonly line: LineOrTask } | null = null;
/** Whose step begins, between its await and the step. */
let next: LineOrTask | null = null;
let users = 0;
/** Whether any await of an async function was seen: programs of generators alone have no lines to look for. */
let hasAwaits = false;

function begun(wait: object, task: Task<unknown>): void {
  hasAwaits = true;
  const line = current !== null && taskOf(current) === task ? current : task;
  if (last !== null && last.line === line) lines.set(last.wait, childOf(line, last.wait));
  lines.set(wait, line);
  last = { wait, line };
}

function resumed(wait: object): void {
  current = lines.get(wait) ?? null;
  next = current;
  last = null;
}

function taskOf(line: LineOrTask): Task<unknown> {
  return line instanceof Task ? line : tasks.get(line)!;
}

function childOf(line: LineOrTask, first: object): Line {
  const number = (children.get(line) ?? 0) + 1;
  children.set(line, number);
  const child = new Line(`${nameOfLine(line)}/${number}`, first);
  tasks.set(child, taskOf(line));
  return child;
}

function nameOfLine(line: LineOrTask): string {
  return line instanceof Task ? line.getName() : line.name;
}

/** From now on, lines are told from each other. Returns a function that ends this. */
export function watchLines(): () => void {
  if (users++ === 0) watchAwaits({ begun, resumed });
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    if (--users > 0) return;
    watchAwaits(null);
    hasAwaits = false;
    current = null;
    next = null;
    last = null;
  };
}

/** Whom something belongs to that is ready to run, or due: a task, a function that runs in the task of its caller, or the thing itself. */
export function ownerOf(candidate: object): object {
  if (hasAwaits) {
    const wait = awaitOf(candidate);
    const line = wait === null ? undefined : lines.get(wait);
    if (line !== undefined) return line;
  }
  return actorOf(candidate);
}

/** The branch of a task whose step begins now, with the name of its function; `null` for the main function of the task. To be asked once for each step. */
export function branchOfStep(task: Task<unknown>): string | null {
  const line = next;
  next = null;
  return line instanceof Line && taskOf(line) === task ? line.title : null;
}

/** The name of the async function that something goes on in which is ready to run; empty where it is none, or has none. */
export function functionOf(candidate: object): string {
  const wait = awaitOf(candidate);
  return wait === null ? '' : functionOfWait(wait);
}

/** The branch of a task that something which is ready to run belongs to, with the function that it is in; `null` where it is none. */
export function branchOf(candidate: object): string | null {
  const owner = ownerOf(candidate);
  return owner instanceof Line ? titleIn(owner.name, functionOf(candidate)) : null;
}

/** A name of the owner that is the same in each run. */
export function ownerNameOf(candidate: object): string {
  const owner = ownerOf(candidate);
  return owner instanceof Task || owner instanceof Line ? nameOfLine(owner) : 'callback';
}
