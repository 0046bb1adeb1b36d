import { addInstrument, type Task } from '../../index.ts';
import { touched } from '../../internal/touched.ts';
import type { Candidates, Choices } from './choices.ts';
import { ownerNameOf } from './lines.ts';
import type { Strategy } from './strategies.ts';

/** What a step has used: numbers of objects. */
type Footprint = ReadonlySet<number>;

/** One choice of the schedule that is run now. */
interface Node {
  /** Who could run, by the ways; `null` for one that cannot be told from others in another run. Empty for a choice of another kind. */
  readonly names: readonly (string | null)[];
  readonly count: number;
  /** Who need not run here: what it would do next was done before in an equivalent schedule. */
  readonly asleep: Map<string, Footprint>;
  readonly tried: Set<number>;
  way: number;
}

/**
 * Partial-order reduction: all schedules, but of those that differ only in the order of steps that have nothing to do with each other, one. Two
 * steps have to do with each other when they use the same lock, event, condition, semaphore, barrier or queue, make tasks, or cancel each other;
 * what a program shares in other ways, as in variables that are read before an `await` and written after it, is not seen: schedules that differ in
 * that alone may be left out.
 *
 * Follows Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996: after a step was tried, it sleeps while others
 * are tried in its place, until one of them has to do with it.
 *
 *     a, b free of each other      a ── b          b ── (a sleeps: the same as a ── b)
 */
export class PartialOrderStrategy implements Strategy {
  readonly #path: Node[] = [];
  #hasRun = false;
  #depth = 0;
  /** Who sleeps in the state that the run has come to. */
  #asleep = new Map<string, Footprint>();
  /** The choice by which the present step runs, and whose it is. */
  #running: { readonly node: Node; readonly name: string | null } | null = null;
  #used = new Set<number>();
  #numbers = new WeakMap<object, number>();
  #count = 0;
  /** Names that several tasks of this run have. */
  #names = new Set<string>();
  #ambiguous = new Set<string>();
  /** Whether all that could run sleeps: the rest of the run is equivalent to one before. */
  #isRedundant = false;
  readonly #remove: () => void;
  isComplete = false;

  constructor() {
    touched.note = (object) => this.#use(object);
    const removeInstrument = addInstrument({
      beforeStep: (task) => this.#use(task),
      cancelRequested: (task) => this.#use(task),
      taskSpawned: (task) => this.#noteTask(task),
    });
    this.#remove = () => {
      touched.note = undefined;
      removeInstrument();
    };
  }

  close(): void {
    this.#remove();
  }

  begin(): boolean {
    if (this.#hasRun && !this.#goBack()) {
      this.isComplete = true;
      return false;
    }
    this.#hasRun = true;
    this.#depth = 0;
    this.#asleep = new Map();
    this.#running = null;
    this.#used = new Set();
    this.#numbers = new WeakMap();
    this.#count = MAKES_TASKS + 1;
    this.#names = new Set();
    this.#ambiguous = new Set();
    this.#isRedundant = false;
    return true;
  }

  /** The last choice that has another way becomes the last one of all. False when there is none. */
  #goBack(): boolean {
    for (;;) {
      const node = this.#path.at(-1);
      if (node === undefined) return false;
      const way = nextWay(node);
      if (way !== null) {
        node.way = way;
        node.tried.add(way);
        return true;
      }
      this.#path.pop();
    }
  }

  choose(kind: string, count: number, candidates: Candidates): number {
    if (this.#isRedundant) return 0;
    const known = this.#path[this.#depth];
    const node = known ?? this.#newNode(kind, count, candidates);
    if (node === null) {
      this.#isRedundant = true;
      return 0;
    }
    this.#depth++;
    const way = Math.min(node.way, count - 1);
    const name = node.names[way] ?? null;
    this.#running = { node, name };
    // Only those that were tried before this one have shown what they do.
    this.#asleep = kind === 'ready' ? new Map(node.asleep) : new Map();
    if (name !== null) this.#asleep.delete(name);
    return way;
  }

  #newNode(kind: string, count: number, candidates: Candidates): Node | null {
    const names = kind === 'ready' ? this.#namesOf(count, candidates) : [];
    const node: Node = { names, count, asleep: new Map(this.#asleep), tried: new Set(), way: 0 };
    const way = nextWay(node);
    if (way === null) return null;
    node.way = way;
    node.tried.add(way);
    this.#path.push(node);
    return node;
  }

  #namesOf(count: number, candidates: Candidates): (string | null)[] {
    const names = Array.from({ length: count }, (_, way) => {
      const name = ownerNameOf(candidates.at(way)!);
      return name === 'callback' || this.#isAmbiguous(name) ? null : name;
    });
    return names.map((name) => (names.filter((other) => other === name).length > 1 ? null : name));
  }

  /** Several tasks have this name, or the function with this name runs in one of them. */
  #isAmbiguous(name: string): boolean {
    for (const ambiguous of this.#ambiguous) if (name === ambiguous || name.startsWith(`${ambiguous}/`)) return true;
    return false;
  }

  stepBegins(): void {
    this.#endStep();
  }

  /** What the last step has used is known: it may sleep from now on, and wakes who has to do with it. */
  #endStep(): void {
    const used = this.#used;
    if (this.#running !== null) {
      const { node, name } = this.#running;
      if (name !== null) node.asleep.set(name, used);
      this.#running = null;
    }
    for (const [name, footprint] of this.#asleep) if (!footprint.isDisjointFrom(used)) this.#asleep.delete(name);
    this.#used = new Set();
  }

  end(_choices: Choices): void {
    this.#endStep();
  }

  #use(object: object): void {
    let number = this.#numbers.get(object);
    if (number === undefined) {
      number = this.#count++;
      this.#numbers.set(object, number);
    }
    this.#used.add(number);
  }

  #noteTask(task: Task<unknown>): void {
    this.#use(task);
    this.#used.add(MAKES_TASKS);
    const name = task.getName();
    if (this.#names.has(name)) this.#ambiguous.add(name);
    this.#names.add(name);
  }
}

/** Stands in a footprint for the making of tasks, which are numbered in their order. */
const MAKES_TASKS = 0;

/** The next way of a choice that was not tried and need not sleep; `null` when there is none. */
function nextWay({ names, count, asleep, tried }: Node): number | null {
  for (let way = 0; way < count; way++) {
    const name = names[way] ?? null;
    if (!tried.has(way) && (name === null || !asleep.has(name))) return way;
  }
  return null;
}
