import { type EventLoop, viewsOfThisCopy } from '../kernel/lowlevel.ts';
import { type Lens, makeLens, type PageOptions, type TaskPage, type TaskSnapshot } from './lens.ts';
import { joinPages } from './task-tree.ts';

/** Which tasks to look at, and how many at a time. */
export interface SnapshotOptions extends PageOptions {
  /** The tasks of this loop; those of all loops of the thread when absent. */
  readonly loop?: EventLoop;
}

/**
 * The tasks that are not done, as plain data, in the order in which they were made: each as its name, state and frames, what it waits for,
 * and who awaits it. Tasks of other threads are not there.
 *
 * Follows what CPython's `python -m asyncio ps` shows.
 *
 * @param options `loop`: only its tasks; `limit` and `seconds` are of pages, as in `taskPages`
 * @example
 * await run(async function main() {
 *   createTask(sleep(10), { name: 'ticker' });
 *   for (const { name, state } of captureTasks()) console.log(name, state);
 * });
 */
export function captureTasks(options: SnapshotOptions = {}): TaskSnapshot[] {
  return joinPages([...taskPages(options)]);
}

/**
 * The same in pages, so that a program with very many tasks can do something else in between: what has ended before its page comes is left
 * out.
 *
 * @param options `limit`: tasks in a page (500); `seconds`: a page ends after this time
 * @returns pages; `joinPages` makes one list of them
 * @example
 * await run(async function main() {
 *   for (let i = 0; i < 1_000; i++) createTask(sleep(10));
 *   const pages = [];
 *   for (const page of taskPages({ seconds: 0.003 })) {
 *     pages.push(page);
 *     await sleep(0.003);
 *   }
 *   console.log(joinPages(pages).length); // 1001
 * });
 */
export function* taskPages(options: SnapshotOptions = {}): Generator<TaskPage, void, undefined> {
  const lens = lensOf(options.loop);
  lens.begin();
  for (let from: number | null = 0; from !== null; ) {
    const page: TaskPage = lens.page(from, options);
    yield page;
    from = page.next;
  }
}

function lensOf(loop: EventLoop | undefined): Lens {
  const views = viewsOfThisCopy();
  if (loop === undefined) return makeLens([{ views }]);
  const tasks = () => Iterator.from(views.tasks()).filter((task) => task.getLoop() === loop);
  return makeLens([{ views: { ...views, tasks } }]);
}
