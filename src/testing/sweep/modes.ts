/**
 * The ways in which a sweep ends a wait.
 *
 * | mode | who asks | when |
 * | --- | --- | --- |
 * | `cancel` | `task.cancel()` | while the task waits |
 * | `cancel-before` | `task.cancel()` | in the iteration in which what it waits for is done, just before that |
 * | `cancel-after` | `task.cancel()` | when what it waits for is done, before the task goes on |
 * | `timeout`, `timeout-before`, `timeout-after` | the deadline of a `timeout` around the whole task | the same three moments |
 */
export type SweepMode = 'cancel' | 'cancel-before' | 'cancel-after' | 'timeout' | 'timeout-before' | 'timeout-after';

/** All of them; a token names a mode by its place here. */
export const MODES: readonly SweepMode[] = [
  'cancel',
  'cancel-before',
  'cancel-after',
  'timeout',
  'timeout-before',
  'timeout-after',
];

/** When a wait is ended. */
export type Moment = 'during' | 'before' | 'after';

export function momentOf(mode: SweepMode): Moment {
  if (mode.endsWith('-before')) return 'before';
  return mode.endsWith('-after') ? 'after' : 'during';
}

export function isTimeout(mode: SweepMode): boolean {
  return mode.startsWith('timeout');
}

/** A mode in words, for messages. */
export function describeMode(mode: SweepMode, taskName: string): string {
  const who = isTimeout(mode)
    ? `the deadline of a timeout around ${taskName} passed`
    : `${taskName} was cancelled with task.cancel()`;
  return `${who} ${MOMENTS[momentOf(mode)]}`;
}

const MOMENTS: Readonly<Record<Moment, string>> = {
  during: 'while it waited',
  before: 'just before what it waited for was done, in the same iteration of the loop',
  after: 'just after what it waited for was done, before it went on',
};
