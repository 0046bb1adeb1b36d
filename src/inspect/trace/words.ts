import { describe, nameOfClass } from '../../internal/describe.ts';
import { cutText } from '../../internal/safe-text.ts';
import { type Future, nameOfCoroutine, purposeOf, Task, titleOf } from '../../kernel/lowlevel.ts';
import type { TraceArguments } from './events.ts';

/** Longer names are cut: they may be repeated in every event. */
const LONGEST = 200;

/** A text of a program, cut to a length that an event can have. Whoever shows it takes care of what it contains. */
export function cut(text: string): string {
  return cutText(text, LONGEST);
}

/** What a task is called in a trace, and what its steps are. */
export function titlesOfTask(task: Task<unknown>): { readonly title: string; readonly step: string } {
  const title = cut(titleOf(task));
  return { title, step: cut(nameOfCoroutine(task)) || title };
}

/** What a wait is for: the operation first, since viewers colour by it, and the kind of its object. */
export function nameOfWait(on: object): string {
  if (on instanceof Task) return cut(`task ${titleOf(on)}`);
  const purpose = purposeOf(on as Future<unknown>);
  if (purpose === null) return 'future';
  const { operation, object } = purpose;
  if (object === null) return operation;
  return cut(`${operation} ${object instanceof Task ? titleOf(object) : nameOfClass(object)}`);
}

/** The object that is waited for; `null` where the name of the wait says everything. */
export function objectOfWait(on: object): string | null {
  const object = on instanceof Task ? null : (purposeOf(on as Future<unknown>)?.object ?? null);
  return object === null || object instanceof Task ? null : cut(describe(object));
}

/** Those that are known; `null` when none is. */
export function argumentsOf(facts: Readonly<Record<string, string | null>>): TraceArguments | null {
  const known = Object.entries(facts).filter((entry): entry is [string, string] => entry[1] !== null);
  return known.length === 0 ? null : Object.fromEntries(known);
}
