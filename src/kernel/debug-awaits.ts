import { runningTask } from './engine/line.ts';
import { places } from './engine/lookups.ts';
import { onAwait } from './engine/pending-await.ts';
import { nameOf } from './engine/request.ts';
import type { Scope, ScopeWait } from './engine/roles.ts';
import { findWait, isLine, waitsOf } from './engine/scope.ts';
import { CallSite, callerPlace, reportOnce } from './places.ts';
import { logger } from './runtime/platform.ts';
import { describeWaiting } from './task.ts';
import { noteAfterRequest } from './why.ts';

/**
 * What debug mode records about awaits: where each one is in the program, to report lines that are left behind with
 * their places, and to report several awaits at once in one task. Simulations record the places for their messages.
 * While places are not recorded, this costs one comparison for each await.
 */

/** Where each wait began: an await of an async function, or a future that a frame waits for. */
let placeOf: WeakMap<object, CallSite> | null = null;
/** For each future that frames of tasks wait for: where they began, by task. */
let sitesOf: WeakMap<object, WeakMap<object, CallSite>> | null = null;
/** For each task whose frames have begun to wait: what they last waited for. Weak, so that it is not kept alive. */
let lastOf: WeakMap<object, WeakRef<object>> | null = null;
let users = 0;

/** A loop's debug mode, or another tool that shows where tasks wait, is switched on or off. */
export function noteAwaits(enabled: boolean): void {
  users += enabled ? 1 : -1;
  const isOn = users > 0;
  placeOf = isOn ? (placeOf ?? new WeakMap()) : null;
  sitesOf = isOn ? (sitesOf ?? new WeakMap()) : null;
  lastOf = isOn ? (lastOf ?? new WeakMap()) : null;
  places.take = isOn ? () => new CallSite() : null;
  places.yielded = isOn ? noteYielded : null;
  onAwait.noted = isOn ? noteAwait : null;
}

/**
 * Where in the program a wait began: an await of an async function, or what a frame waits for; `null` when it was not
 * recorded.
 */
export function placeOfWait(wait: object): string | null {
  return siteOfWait(wait)?.text ?? null;
}

/** As `placeOfWait`, with the whole stack. */
export function siteOfWait(wait: object): CallSite | null {
  return placeOf?.get(wait) ?? null;
}

/** The name of the function in which a wait began; empty where it has none, or was not recorded. */
export function functionOfWait(wait: object): string {
  return placeOf?.get(wait)?.functionName ?? '';
}

/**
 * Where the frames of a task have begun their last wait; `null` when it was not recorded. The future is not enough to
 * find it, because several tasks may wait for it, each at its own place.
 *
 * @param on what it waits for; `null` when it is about to go on
 */
export function placeOfFrames(task: object, on: object | null): string | null {
  return siteOfFrames(task, on)?.text ?? null;
}

/** As `placeOfFrames`, with the whole stack. */
export function siteOfFrames(task: object, on: object | null): CallSite | null {
  const last = on ?? lastOf?.get(task)?.deref();
  return last === undefined ? null : (sitesOf?.get(last)?.get(task) ?? null);
}

function noteYielded(on: object, givesWay: boolean): void {
  const site = new CallSite();
  placeOfYield = givesWay ? new WeakRef(site) : null;
  placeOf?.set(on, site);
  const task = runningTask();
  if (task === null) return;
  let sites = sitesOf?.get(on);
  if (sites === undefined) {
    sites = new WeakMap();
    sitesOf?.set(on, sites);
  }
  sites.set(task, site);
  lastOf?.set(task, new WeakRef(on));
  noteAfterRequest(task, site);
}

/** The last `sleep(0)` of a generator coroutine. Weak, because a place (a stack) may keep objects alive. */
let placeOfYield: WeakRef<CallSite> | null = null;

/**
 * The place of the `sleep(0)` that a generator coroutine has just reached; `null` when it was not recorded, or was a
 * bare `yield`.
 */
export function takePlaceOfYield(): string | null {
  const place = placeOfYield?.deref() ?? null;
  placeOfYield = null;
  return place === null ? null : place.text;
}

/** The current place in the program, while any loop is in debug mode; otherwise `undefined`. */
export function placeInDebugMode(): string | null | undefined {
  return placeOf === null ? undefined : callerPlace();
}

function noteAwait(wait: ScopeWait, site: object | null): void {
  const { _task: task } = wait;
  if (site === null) return;
  placeOf?.set(wait, site as CallSite);
  noteAfterRequest(task, site as CallSite);
  if (!task._loop.getDebug()) return; // several loops may be alive in one process
  const root = task._root;
  if (task.done() || root === null) return;
  // A line that has come back from a foreign promise runs outside of any step, so all other waits of the task belong to
  // other lines.
  const isComeback = task._loop._step.task !== task;
  const isOther = (one: ScopeWait): boolean =>
    one !== wait && isLine(one) && (isComeback || one._began > root.resumed) && placeOf?.get(one)?.text !== null;
  // An await without a place in the program was made by this library on behalf of the task, for the end of a response,
  // for example.
  const other = findWait(root, isOther);
  if (other === null) return;
  const place = (site as CallSite).text;
  if (place === null) return;
  const where = placeOf?.get(other)?.text ?? null;
  reportOnce(
    'branch',
    `${nameOf(task)} awaits in two places at once${where === null ? '' : ` (the other one: ${where})`}: branches of one task, ` +
      'for example under Promise.all, and callbacks that have inherited its context share its context variables, and are cancelled ' +
      'with it. For branches that are tasks of their own write gather(f, g), or use a taskGroup.',
    place,
  );
}

/**
 * Reports the lines that a task has left behind: in debug mode each place once, otherwise all of them in one report.
 */
export function reportLines(root: Scope, what: string): void {
  const waits = waitsOf(root).filter(isLine);
  if (waits.length === 0) return;
  if (placeOf === null || !root.loop.getDebug()) {
    const lines = waits.slice(0, MOST_SHOWN).map((wait) => `  ${describeWaiting(wait._waiting)}`);
    if (waits.length > MOST_SHOWN) lines.push(`  and ${waits.length - MOST_SHOWN} more`);
    logger.warn(`${what}: ${HELP} Debug mode, run(main, { debug: true }), shows where they are.\n${lines.join('\n')}`);
    return;
  }
  for (const wait of waits) {
    const place = placeOf.get(wait)?.text;
    reportOnce('left behind', `${what}: ${describeWaiting(wait._waiting)}. ${HELP}`, place ?? null);
  }
}

const HELP = 'Await the functions that these awaits are in, or make a task of each: createTask(f).';
const MOST_SHOWN = 10;
