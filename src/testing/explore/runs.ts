import { addInstrument, type CoroutineFunction, type Task } from '../../index.ts';
import { failureOfCheck } from '../simulation/check.ts';
import { type Ending, Simulation } from '../simulation/simulation.ts';
import { type OnNondeterminism, tellSource } from '../simulation/sources.ts';
import { Choices, type Chooser } from './choices.ts';
import type { Level } from './schedule.ts';

/** What all runs of an exploration have in common. */
export interface RunSettings {
  readonly level: Level;
  readonly slack: number;
  readonly maxSteps: number;
  readonly maxBeats: number;
  readonly failOnLeaks: boolean;
  readonly failOnUnretrieved: boolean;
  readonly check: ((value: unknown) => unknown) | null;
  readonly nondeterminism: OnNondeterminism | 'note';
}

/** What a run has failed with. */
export interface Failure {
  readonly error: unknown;
}

/** Runs a program under one schedule after the other. */
export class Runs {
  readonly choices: Choices;
  readonly #main: CoroutineFunction<unknown>;
  readonly #settings: RunSettings;
  readonly #simulation: Simulation;
  count = 0;
  /** What the main function has returned in the last run. */
  value: unknown = undefined;

  /** @param isQuick whether the program can be run inside one call */
  constructor(main: CoroutineFunction<unknown>, settings: RunSettings, isQuick: boolean, places = false) {
    this.#main = main;
    this.#settings = settings;
    this.choices = new Choices(settings.level, settings.slack);
    const { maxSteps, maxBeats, failOnLeaks, failOnUnretrieved, nondeterminism } = settings;
    this.#simulation = new Simulation({
      decider: this.choices,
      quick: isQuick,
      places,
      patience: 0,
      maxSteps,
      maxBeats,
      failOnLeaks,
      failOnUnretrieved,
      nondeterminism,
    });
  }

  /** What the program has asked for that differs from run to run, with its places, as far as it was looked for. */
  get sources(): readonly string[] {
    return this.#simulation.sources.found.map(tellSource);
  }

  /** Calls a function when the next run has come to its end, before what it has left behind is cancelled. */
  whenOver(call: () => void): void {
    this.#simulation.onOutcome = call;
  }

  /** The time of the simulation, in seconds. */
  get now(): number {
    return this.#simulation.host.now;
  }

  /** Whether something belongs to the loop of these runs. */
  isOf(task: Task<unknown>): boolean {
    return task.getLoop() === this.#simulation.loop;
  }

  /** What the run has failed with; `null` when it has not. */
  async run(chooser: Chooser): Promise<Failure | null> {
    this.count++;
    this.choices.begin(chooser);
    const ending = await this.#simulation.run(this.#main);
    this.value = ending.value?.value;
    return this.#failureOf(ending);
  }

  async #failureOf({ value, failure, problems }: Ending<unknown>): Promise<Failure | null> {
    if (failure !== null) return failure;
    if (problems.length > 0) return { error: problems[0] };
    const { check } = this.#settings;
    if (check === null) return null;
    // It is not explored: the usual way is taken everywhere.
    const { onOutcome } = this.#simulation;
    this.choices.isOver = true;
    this.#simulation.onOutcome = null;
    try {
      return await failureOfCheck(this.#simulation, check, value!.value);
    } finally {
      this.#simulation.onOutcome = onOutcome;
    }
  }

  close(): void {
    this.#simulation.close();
  }
}

/** One thing that a run has done. */
export interface TraceEvent {
  readonly kind: 'step' | 'spawned' | 'finished' | 'choice';
  /** Whose it is: the name of a task, or what there was to choose. */
  readonly who: string;
  /** The coroutine of the task, or the way that was taken of so many. */
  readonly detail: string;
  /** When, in simulated seconds: a sleep that is drawn by lot may change nothing else. */
  readonly at: number;
}

/** Records what a run does while `run` runs. */
export async function traced<T>(runs: Runs, run: () => Promise<T>): Promise<{ result: T; trace: TraceEvent[] }> {
  const trace: TraceEvent[] = [];
  const note = (kind: TraceEvent['kind'], task: Task<unknown>): void => {
    if (runs.isOf(task)) trace.push({ kind, who: task.getName(), detail: coroutineOf(task), at: runs.now });
  };
  const remove = addInstrument({
    beforeStep: (task) => note('step', task),
    taskSpawned: (task) => note('spawned', task),
    taskFinished: (task) => note('finished', task),
  });
  runs.choices.onChoice = (kind: string, way: number, count: number) => {
    trace.push({ kind: 'choice', who: kind, detail: `${way + 1} of ${count}`, at: runs.now });
  };
  try {
    return { result: await run(), trace };
  } finally {
    runs.choices.onChoice = null;
    remove();
  }
}

function coroutineOf(task: Task<unknown>): string {
  const { name } = task.getCoro() as { readonly name?: unknown };
  return typeof name === 'string' ? name : '';
}

/** The first event in which two runs differ, told in words; `null` when there is none. */
export function firstDifference(first: readonly TraceEvent[], second: readonly TraceEvent[]): string | null {
  const length = Math.max(first.length, second.length);
  for (let i = 0; i < length; i++) {
    const one = tell(first[i]);
    const other = tell(second[i]);
    if (one !== other) return `event ${i + 1} was in one run: ${one}; in the other: ${other}`;
  }
  return null;
}

function tell(event: TraceEvent | undefined): string {
  if (event === undefined) return 'nothing, it had ended';
  const { kind, who, detail, at } = event;
  if (kind === 'choice') return `a choice (${who}), way ${detail}, at ${at} s`;
  const verb = { step: 'ran a step', spawned: 'was made', finished: 'finished' }[kind];
  return `${who}${detail === '' ? '' : ` (${detail})`} ${verb} at ${at} s`;
}
