import { actorOf, awaitOf, Task, watchAwaits } from '../../kernel/lowlevel.ts';

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

  constructor(name: string) {
    this.name = name;
  }
}

/** A task stands for the line of its main function. */
type LineOrTask = Line | Task<unknown>;

const lines = new WeakMap<object, LineOrTask>();
const tasks = new WeakMap<LineOrTask, Task<unknown>>();
const children = new WeakMap<LineOrTask, number>();
let current: LineOrTask | null = null;
/** The last await that the present step has begun. */
let last: { readonly wait: object; readonly line: LineOrTask } | null = null;
let users = 0;
/** Whether any await of an async function was seen: programs of generators alone have no lines to look for. */
let hasAwaits = false;

function begun(wait: object, task: Task<unknown>): void {
  hasAwaits = true;
  const line = current !== null && taskOf(current) === task ? current : task;
  if (last !== null && last.line === line) lines.set(last.wait, childOf(line));
  lines.set(wait, line);
  last = { wait, line };
}

function resumed(wait: object): void {
  current = lines.get(wait) ?? null;
  last = null;
}

function taskOf(line: LineOrTask): Task<unknown> {
  return line instanceof Task ? line : tasks.get(line)!;
}

function childOf(line: LineOrTask): Line {
  const number = (children.get(line) ?? 0) + 1;
  children.set(line, number);
  const child = new Line(`${nameOfLine(line)}/${number}`);
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

/** A name of the owner that is the same in each run. */
export function ownerNameOf(candidate: object): string {
  const owner = ownerOf(candidate);
  return owner instanceof Task || owner instanceof Line ? nameOfLine(owner) : 'callback';
}
