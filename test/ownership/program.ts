/**
 * A program of the referee: a tree of statements, as JSON. `real.ts` runs it on the library, `model.ts` on the model, `show.ts`
 * prints it as JavaScript.
 */

/** How long something takes, in ticks of 1/1024 s, so that sums are exact in floating point. */
export type Ticks = number;

/** A function: its number names the line of execution in traces. */
export interface Body {
  readonly id: number;
  readonly steps: readonly Step[];
}

/** The body of a deadline: an async (or generator) function, or a plain one that returns something to await. */
export type Limited = { readonly body: Body } | { readonly plain: Wait };

/** What can be awaited, also as a part of `Promise.all` and others. */
export type Wait =
  | { readonly op: 'sleep'; readonly ticks: Ticks }
  | { readonly op: 'turn' }
  | { readonly op: 'foreign'; readonly ticks: Ticks; readonly fails?: boolean }
  /** A foreign promise that follows `currentSignal()`. */
  | { readonly op: 'signalled'; readonly ticks: Ticks }
  | { readonly op: 'wrapped'; readonly ticks: Ticks }
  | { readonly op: 'future'; readonly name: string }
  | { readonly op: 'call'; readonly body: Body }
  /** `await (memo.name ??= f())` */
  | { readonly op: 'memo'; readonly name: string; readonly body: Body }
  | { readonly op: 'join'; readonly name: string }
  /** `await task.then(f)`, `f` being an async function. */
  | { readonly op: 'joinThen'; readonly name: string; readonly body: Body }
  | { readonly op: 'held'; readonly name: string }
  | { readonly op: 'together'; readonly how: How; readonly parts: readonly Wait[] }
  | { readonly op: 'timeout'; readonly ticks: Ticks; readonly limited: Limited }
  | { readonly op: 'waitFor'; readonly ticks: Ticks; readonly limited: Limited }
  | { readonly op: 'group'; readonly body: Body }
  | { readonly op: 'shield'; readonly body: Body }
  | { readonly op: 'shieldTask'; readonly name: string }
  | { readonly op: 'gather'; readonly bodies: readonly Body[] };

/** What a `catch` does at its end: go on, throw the same again, or throw an `AbortError` that it caused. */
export type Then = 'goOn' | 'rethrow' | 'disguise';

export type How = 'all' | 'allSettled' | 'any' | 'race';

/** What a function does one after the other: it awaits, or does something at once. */
export type Step =
  | Wait
  | {
      readonly op: 'try';
      readonly body: Body;
      readonly caught: Body | null;
      readonly then: Then;
      readonly last: Body | null;
    }
  | { readonly op: 'throw' }
  | { readonly op: 'return' }
  | { readonly op: 'set'; readonly name: string }
  | { readonly op: 'spawn'; readonly name: string; readonly body: Body }
  /** `g.createTask()` of the innermost group around. */
  | { readonly op: 'child'; readonly name: string; readonly body: Body }
  | { readonly op: 'cancelGroup' }
  | { readonly op: 'float'; readonly body: Body }
  | { readonly op: 'hold'; readonly name: string; readonly body: Body }
  | { readonly op: 'cancel'; readonly name: string }
  | { readonly op: 'cancelSelf' }
  | { readonly op: 'uncancel' }
  | { readonly op: 'timer'; readonly ticks: Ticks; readonly body: Body }
  | { readonly op: 'bound'; readonly ticks: Ticks; readonly body: Body }
  | { readonly op: 'thenForeign'; readonly ticks: Ticks; readonly body: Body }
  | { readonly op: 'thenTask'; readonly name: string; readonly body: Body }
  | { readonly op: 'listen'; readonly name: string; readonly body: Body }
  | { readonly op: 'emit'; readonly name: string }
  | { readonly op: 'setVariable'; readonly value: string }
  | { readonly op: 'getVariable' }
  | { readonly op: 'cancelling' }
  | { readonly op: 'who' }
  | { readonly op: 'throwIfAborted' };

/** A task is cancelled by code that no task runs. */
export interface Outside {
  readonly at: Ticks;
  readonly cancel: string;
}

export interface Program {
  readonly main: Body;
  readonly outside: readonly Outside[];
}

/** When all futures that still wait are settled, so that each program ends. */
export const RELEASE: Ticks = 50_000;

/** One thing that a line did. */
export interface Entry {
  readonly at: Ticks;
  readonly line: string;
  readonly text: string;
}

/** What a run of a program has left behind. */
export interface Trace {
  readonly entries: Entry[];
  /** When `run()` ended, `null` when it did not. */
  endedAt: Ticks | null;
  /** Rejections that nobody handled, exceptions that nobody caught. */
  readonly stray: string[];
  /** Cancellations that do not tell whose they are. */
  readonly untold: string[];
}

const WAITS: ReadonlySet<string> = new Set([
  'sleep',
  'turn',
  'foreign',
  'signalled',
  'wrapped',
  'future',
  'call',
  'memo',
  'join',
  'joinThen',
  'held',
  'together',
  'timeout',
  'waitFor',
  'group',
  'shield',
  'shieldTask',
  'gather',
]);

export function isWait(step: Step): step is Wait {
  return WAITS.has(step.op);
}

/** The functions that a step contains directly. */
export function bodiesOf(step: Step): Body[] {
  switch (step.op) {
    case 'try':
      return [step.body, ...(step.caught === null ? [] : [step.caught]), ...(step.last === null ? [] : [step.last])];
    case 'timeout':
    case 'waitFor':
      return 'body' in step.limited ? [step.limited.body] : bodiesOf(step.limited.plain);
    case 'together':
      return step.parts.flatMap(bodiesOf);
    case 'gather':
      return [...step.bodies];
    default:
      return 'body' in step ? [step.body] : [];
  }
}

/** What a generator function can do without promises, in all that it contains. */
export function needsNoPromise(body: Body): boolean {
  return body.steps.every((step) => {
    switch (step.op) {
      case 'foreign':
      case 'signalled':
      case 'memo':
      case 'held':
      case 'together':
      case 'joinThen':
      case 'float':
      case 'hold':
      case 'thenForeign':
      case 'thenTask':
      case 'timer':
      case 'bound':
      case 'listen':
      case 'emit':
      case 'throwIfAborted':
        return false;
      case 'try':
      case 'call':
        return bodiesOf(step).every(needsNoPromise);
      case 'timeout':
      case 'waitFor':
        return 'body' in step.limited
          ? needsNoPromise(step.limited.body)
          : isOfLibrary(step.limited.plain) && needsNoPromise({ id: 0, steps: [step.limited.plain] });
      case 'group':
        return needsNoPromise(step.body);
      default:
        return true;
    }
  });
}

/** Which functions of a program are generator functions: none, all that need no promise, every second one of those. */
export type Spelling = 'async' | 'gen' | 'mixed';

export function isGenerator(body: Body, spelling: Spelling): boolean {
  if (spelling === 'async' || !needsNoPromise(body)) return false;
  return spelling === 'gen' || body.id % 2 === 0;
}

/** Whether what is awaited is made by the library. */
export function isOfLibrary(wait: Wait): boolean {
  return !['foreign', 'signalled', 'call', 'memo', 'held', 'together', 'joinThen'].includes(wait.op);
}

/** How many steps a program has. */
export function sizeOf(body: Body): number {
  let size = 0;
  for (const step of body.steps) {
    size++;
    if (step.op === 'together') size += step.parts.length;
    if ((step.op === 'timeout' || step.op === 'waitFor') && 'plain' in step.limited) size++;
    for (const inner of bodiesOf(step)) size += sizeOf(inner);
  }
  return size;
}

/** How a step is called in traces. */
export function label(step: Step): string {
  switch (step.op) {
    case 'together':
      return `Promise.${step.how}`;
    case 'sleep':
    case 'foreign':
    case 'signalled':
    case 'wrapped':
    case 'timeout':
    case 'waitFor':
      return `${step.op} ${step.ticks}`;
    default:
      return 'name' in step ? `${step.op} ${step.name}` : step.op;
  }
}
