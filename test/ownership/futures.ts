/** Futures, awaits and tasks, as CPython has them. */
import type { Engine } from './engine.ts';
import { CANCELLED, isCancellation, OK, type Outcome } from './outcome.ts';
import { type Line, Scope, type Variables } from './scopes.ts';

export class Future {
  outcome: Outcome | null = null;
  isCancelled = false;
  /** Whether others can see it: what a wait does to it matters. */
  readonly isShared: boolean;
  /** A wait for it was given up, and it goes on. */
  isLeft = false;
  readonly engine: Engine;
  readonly #callbacks = new Set<() => void>();

  constructor(engine: Engine, isShared: boolean) {
    this.engine = engine;
    this.isShared = isShared;
  }

  /** Whether the last that has waited for it was a leftover, which has not cancelled it. */
  get isGivenUp(): boolean {
    return this.isLeft && this.outcome === null && this.#callbacks.size === 0;
  }

  settle(outcome: Outcome): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    for (const callback of this.#callbacks) this.engine.soon(callback);
    this.#callbacks.clear();
  }

  cancel(): boolean {
    if (this.outcome !== null) return false;
    this.isCancelled = true;
    this.settle({ failure: CANCELLED });
    return true;
  }

  /** Calls back in an iteration of its own; returns what takes the callback back. */
  onDone(callback: () => void): () => void {
    if (this.outcome !== null) this.engine.soon(callback);
    else this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }
}

/** One await of a line, or of a frame of the library. */
export class Wait {
  readonly scope: Scope;
  readonly line: Line;
  readonly future: Future | null;
  readonly began: number;
  /** Thrown where it goes on. */
  must = false;
  /** It was taken off what it waited for. */
  isLeft = false;
  isOver = false;
  /** Whether it is not clear if the latest step came before it. */
  isAmbiguous = false;
  readonly by: Line | null;
  readonly tick: number;
  detach: () => void = () => {};
  readonly #resume: (outcome: Outcome) => void;

  constructor(
    scope: Scope,
    line: Line,
    future: Future | null,
    began: number,
    by: Line | null,
    tick: number,
    resume: (outcome: Outcome) => void,
  ) {
    this.scope = scope;
    this.line = line;
    this.future = future;
    this.began = began;
    this.by = by;
    this.tick = tick;
    this.#resume = resume;
  }

  get isWoken(): boolean {
    return this.future === null || this.isLeft || this.future.outcome !== null;
  }

  run(engine: Engine): void {
    if (this.isOver) return;
    this.isOver = true;
    this.scope.waits.delete(this);
    engine.step(this.scope);
    if (this.must || this.isLeft) this.#resume({ failure: CANCELLED });
    else this.#resume(this.future === null ? OK : this.future.outcome!);
  }
}

export class Task extends Future {
  readonly name: string;
  readonly root: Scope;
  readonly variables: Variables;
  cancels = 0;
  beforeEnd: () => void = () => {};
  #isStarted = false;
  #mustNotStart = false;
  get isCleaning(): boolean {
    return this.engine.cleaning.has(this);
  }

  /** How it will end when its lines have cleaned up. */
  #last: Outcome | null = null;

  constructor(engine: Engine, name: string, variables: Variables, begin: (task: Task) => void) {
    super(engine, true);
    this.name = name;
    this.variables = { ...variables };
    this.root = new Scope(null, this);
    engine.tasks.push(this);
    engine.soon(() => {
      if (this.outcome !== null) return;
      this.#isStarted = true;
      if (this.#mustNotStart) {
        this.root.isOver = true;
        this.root.isLost = true;
        this.isCancelled = true;
        this.beforeEnd();
        this.settle({ failure: CANCELLED });
        return;
      }
      engine.step(this.root);
      begin(this);
    });
  }

  override cancel(): boolean {
    if (this.outcome !== null) return false;
    this.cancels++;
    if (this.#isStarted) this.engine.cancelScope(this.root);
    else this.#mustNotStart = true;
    return true;
  }

  /** Each says whether a group, a `gather` or a `shield` waits for it. */
  followers: (() => boolean)[] = [];

  get hasFollower(): boolean {
    return this.followers.some((isWaiting) => isWaiting());
  }

  /** The line of a finished task that awaits the coroutine that this task was made of. */
  madeFor: Line | null = null;

  /** Whether it is nothing but an await of such a line, and that one has got the request to cancel its task: it cleans up (R8). */
  isOfToldLine(): boolean {
    const line = this.madeFor;
    return line !== null && line.scope?.task.root.requests.some((request) => line.received.has(request)) === true;
  }

  /** Its body has settled. One that has failed stays open until the lines that it ends have cleaned up. */
  end(given: Outcome, line: Line | null): void {
    let outcome = given;
    const asking = this.root.pending?.askedBy ?? null;
    if (outcome.failure === null && asking !== null && (asking.kind !== 'body' || asking.caller !== null))
      this.engine.stop('R3: a line has asked for its own end, and waits elsewhere when its task returns');
    const { engine } = this;
    engine.checkGone(this.root);
    const isForIt = line === null ? this.root.pending !== null : engine.waitsFor(this.root, line);
    if (isForIt && outcome.failure === null) outcome = { failure: CANCELLED };
    engine.noteEnd();
    const isFailed = outcome.failure !== null;
    this.isCancelled = outcome.failure !== null && isCancellation(outcome.failure, engine.mutation);
    this.#last = this.isCancelled ? { failure: CANCELLED } : outcome;
    engine.leaveScope(this.root, isFailed);
    if (isFailed && this.hasCleanUps()) engine.cleaning.add(this);
    else this.endNow();
  }

  /** Whether lines of it still wait, or go on because the foreign promise that they awaited in a construct was left. */
  hasCleanUps(): boolean {
    return this.root.allWaits().length > 0 || [...this.root.inside()].some((one) => one.isLeft && !one.isOver);
  }

  endNow(): void {
    this.engine.cleaning.delete(this);
    this.beforeEnd();
    this.settle(this.#last!);
  }

  /** What asks for its end from outside a scope of it. */
  requestsTo(scope: Scope): number {
    if (this.engine.mutation === 'count-at-task') return this.cancelling(null) - scope.own;
    return Math.max(0, this.cancels + (scope.parent?.ownAround() ?? 0));
  }

  /** A construct has taken its own requests back; `uncancel()` may have done so before. */
  settleAccounts(): void {
    let sum = 0;
    for (const one of this.root.inside()) sum += one.own;
    if (this.cancels + sum < 0) this.cancels = -sum;
  }

  /** R2. `null`: asked from elsewhere. */
  cancelling(scope: Scope | null): number {
    let sum = this.cancels;
    const scopes = scope === null || this.engine.mutation === 'count-at-task' ? this.root.inside() : scope.around();
    for (const one of scopes) sum += one.own;
    return Math.max(0, sum);
  }
}
