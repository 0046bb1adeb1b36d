import { addInstrument, Task } from '../../index.ts';
import { describe } from '../../internal/describe.ts';
import { actorOf, nameOfTelling, placeOfReady, titleOf } from '../../kernel/lowlevel.ts';
import { type Candidates, Script } from './choices.ts';
import { branchOf, branchOfStep, functionOf } from './lines.ts';
import type { Runs } from './runs.ts';
import type { Deviation } from './schedule.ts';
import { drawTimeline, type Lane } from './timeline.ts';

/**
 * Tells how a failing run differs from the nearest one that passes, which takes all of its deviations but the last: what was chosen at
 * each deviation instead of what, with the lines of the program, and both runs as timelines.
 *
 * @param runs with places
 */
export async function explain(runs: Runs, deviations: readonly Deviation[]): Promise<string> {
  const failing = await watch(runs, deviations);
  const passing = await watch(runs, deviations.slice(0, -1));
  const told = failing.told.length;
  const lines = tellAll(failing.told);
  const count = told === 1 ? 'one choice' : `${told} choices`;
  const what =
    told === 0
      ? 'It fails in the order in which production runs it, too.'
      : `It takes ${count} other than the usual one:\n${lines.join('\n')}`;
  const order = new Map(failing.lanes.map(({ name }, i) => [name, i]));
  const lanes = [...passing.lanes].sort(
    (a, b) => (order.get(a.name) ?? order.size) - (order.get(b.name) ?? order.size),
  );
  const drawings =
    told === 0
      ? drawTimeline('fails', failing.lanes, null)
      : `${drawTimeline('fails', failing.lanes, firstDifferentStep(failing.steps, passing.steps))}\n` +
        drawTimeline(
          passing.isFailure ? 'without the last of them it fails as well' : 'passes, without the last of them',
          lanes,
          firstDifferentStep(failing.steps, passing.steps),
        );
  return `${what}\n${drawings}`;
}

/** So many lines are told of the choices at the most: a message is to be read. */
const MOST_TOLD = 12;

/** A line for each choice, with its number; one for those that are the same in a row, as when something is late for as long as it may be. */
function tellAll(told: readonly string[]): string[] {
  const lines: string[] = [];
  let at = 0;
  while (at < told.length && lines.length < MOST_TOLD) {
    let end = at + 1;
    while (end < told.length && told[end] === told[at]) end++;
    lines.push(end === at + 1 ? `  ${end}. ${told[at]}` : `  ${at + 1} to ${end}. ${told[at]}`);
    at = end;
  }
  if (at < told.length) lines.push(`  and ${told.length - at} more`);
  return lines;
}

interface Watched {
  readonly told: readonly string[];
  readonly lanes: readonly Lane[];
  /** Who ran, step by step. */
  readonly steps: readonly string[];
  readonly isFailure: boolean;
}

async function watch(runs: Runs, deviations: readonly Deviation[]): Promise<Watched> {
  const told: string[] = [];
  const steps: string[] = [];
  const lanes = new Map<string, Lane>();
  const laneOf = (name: string): Lane => {
    let lane = lanes.get(name);
    if (lane === undefined) {
      lane = { name, marks: [] };
      lanes.set(name, lane);
    }
    return lane;
  };
  const remove = addInstrument({
    beforeStep(task) {
      if (!runs.isOf(task)) return;
      const branch = branchOfStep(task);
      steps.push(branch ?? task.getName());
      laneOf(branch ?? titleOf(task)).marks.push({ at: steps.length - 1, mark: '●' });
    },
    taskFinished(task, failure) {
      if (!runs.isOf(task)) return;
      const mark = task.cancelled() ? '✕' : failure !== null ? '!' : '■';
      laneOf(titleOf(task)).marks.push({ at: Math.max(steps.length - 1, 0), mark });
    },
  });
  runs.choices.onChoice = (kind, way, count, candidates) => {
    if (way !== 0) told.push(tellChoice(kind, way, count, candidates));
  };
  runs.whenOver(() => {
    runs.choices.onChoice = null;
    remove();
  });
  try {
    const failure = await runs.run(new Script(deviations));
    return { told, lanes: [...lanes.values()], steps, isFailure: failure !== null };
  } finally {
    runs.choices.onChoice = null;
    remove();
  }
}

function tellChoice(kind: string, way: number, count: number, candidates: Candidates): string {
  if (kind === 'late timer') return 'a timer was due before what was ready had run: the code before it took its time';
  const chosen = candidates.at(way);
  if (chosen === undefined) {
    const late = Array.from({ length: count - 1 }, (_, i) => tell(candidates.at(i)!));
    return `${listed(late)} had not come yet`;
  }
  const first = candidates.at(0);
  if (kind.startsWith('fault') || kind === 'latency') return `${kind}: ${tell(chosen)}`;
  const verb = { arrival: 'came', 'timer tie': 'fired' }[kind] ?? 'ran';
  return `${tell(chosen)} ${verb} before ${first === undefined ? 'the others' : tell(first)}`;
}

const MOST_LISTED = 3;

/** `a`, `a and b`, `a, b, c and 4 more`. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_LISTED);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(', ')} and ${more} more`;
  return shown.length < 2 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

function tell(candidate: object): string {
  if ('label' in candidate) return String(candidate.label);
  const actor = actorOf(candidate);
  const place = placeOfReady(candidate);
  const who =
    actor instanceof Task
      ? (branchOf(candidate) ?? lineTitle(actor, candidate))
      : (nameOfTelling(actor) ?? describe(actor));
  return place === null ? who : `${who} at ${place}`;
}

/** The task, and the function in which it goes on, where that is not its main function: perhaps a branch that was taken for it. */
function lineTitle(task: Task<unknown>, candidate: object): string {
  const inside = functionOf(candidate);
  const { name } = task.getCoro() as { readonly name?: unknown };
  return inside === '' || inside === name ? titleOf(task) : `${titleOf(task)} in ${inside}()`;
}

/** The number of the first step in which two runs differ; `null` when they do not. */
function firstDifferentStep(one: readonly string[], other: readonly string[]): number | null {
  const length = Math.max(one.length, other.length);
  for (let i = 0; i < length; i++) if (one[i] !== other[i]) return i;
  return null;
}
