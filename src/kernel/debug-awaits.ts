import { onAwait } from './engine/await.ts';
import { places } from './engine/lookups.ts';
import { nameOf } from './engine/request.ts';
import type { Scope, ScopeWait } from './engine/roles.ts';
import { waitsOf } from './engine/scope.ts';
import { callerPlace, reportOnce } from './places.ts';
import { logger } from './runtime/platform.ts';
import { describeWaiting } from './task.ts';

/**
 * What debug mode notes of awaits: where each is in the program, so that lines that are left behind can be told with their places, and
 * that several are under way in one task. While no loop is in debug mode, the engine pays one comparison an await.
 */

let placeOf: WeakMap<ScopeWait, string> | null = null;
let loops = 0;

/** A loop's debug mode goes on or off. */
export function noteAwaits(enabled: boolean): void {
  loops += enabled ? 1 : -1;
  const isOn = loops > 0;
  placeOf = isOn ? (placeOf ?? new WeakMap()) : null;
  places.take = isOn ? callerPlace : null;
  onAwait.noted = isOn ? noteAwait : null;
}

function noteAwait(wait: ScopeWait, place: string | null): void {
  if (place === null) return;
  placeOf?.set(wait, place);
  const { _task: task } = wait;
  if (task.done() || task._root === null) return;
  const root = task._root;
  const other = waitsOf(root).find((one) => one !== wait && isUnderWay(one, root));
  if (other === undefined) return;
  const where = placeOf?.get(other);
  reportOnce(
    'branch',
    `${nameOf(task)} awaits in two places at once${where === undefined ? '' : ` (the other one: ${where})`}: branches of one task, as under ` +
      'Promise.all, and callbacks that have inherited it share its context variables, and are cancelled with it. For branches that ' +
      'are tasks of their own write gather(f, g), or use a taskGroup.',
    place,
  );
}

/** Whether another line waits now: not in a frame that a function runs on top of, nor since before the task's latest step. */
function isUnderWay(wait: ScopeWait, root: Scope): boolean {
  return !wait._isOver && wait._following === null && !wait._isObserver && wait._began > root.resumed;
}

/** Tells of the lines that a task has left behind, with their places where debug mode has noted them. `false` when there are none. */
export function reportLines(root: Scope, what: string): boolean {
  const waits = waitsOf(root).filter((wait) => wait._following === null && !wait._isObserver);
  if (waits.length === 0) return false;
  const lines = waits.map((wait) => {
    const place = placeOf?.get(wait);
    return `  ${describeWaiting(wait._waiting)}${place === undefined ? '' : ` at ${place}`}`;
  });
  const shown =
    lines.length > MOST_SHOWN ? [...lines.slice(0, MOST_SHOWN), `  and ${lines.length - MOST_SHOWN} more`] : lines;
  logger.warn(
    `${what}. Await the functions that these awaits are in, or make a task of each: createTask(f).` +
      `${placeOf === null ? ' Debug mode, run(main, { debug: true }), tells where they are.' : ''}\n${shown.join('\n')}`,
  );
  return true;
}

const MOST_SHOWN = 10;
