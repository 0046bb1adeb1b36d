/**
 * What the model's programs run on: promises as ECMAScript has them, an event loop as CPython has it, and scopes, waits and requests as
 * `README.md` says. Everything that the library has to find out is given here: each line knows its scope and its callers.
 */
import type { Ticks } from './program.ts';

/** An error, as far as traces tell one from another. */
export interface Failure {
  readonly name: string;
  readonly parts?: readonly Failure[];
  readonly cause?: Failure;
}

export const CANCELLED: Failure = { name: 'CancelledError' };

/** Whether an error is a cancellation, or one in disguise (R11). */
export function isCancellation(failure: Failure, mutation: Mutation | null = null): boolean {
  if (failure.name === 'CancelledError') return true;
  if (mutation === 'disguise-is-an-error') return false;
  if (failure.name === 'AbortError') return failure.cause !== undefined && isCancellation(failure.cause);
  return (
    failure.name === 'AggregateError' &&
    failure.parts!.length > 0 &&
    failure.parts!.every((part) => isCancellation(part))
  );
}

/** Ways in which the model can be made wrong on purpose, to see that the referee finds the difference. */
export const MUTATIONS = {
  'deadline-cancels-task': 'R1: a deadline reaches all waits of its task',
  'count-at-task': 'R2: what constructs ask for is counted at the task',
  'leftover-takes-request': 'R3: a request that hit leftovers only counts as delivered',
  'foreign-loses-request': 'R3: a request that comes while a line is at a foreign promise is lost',
  'leftover-hands-down': 'R4: a leftover cancels what it waits for',
  'then-waits': 'R5: then(f) of a task is a wait',
  'callback-is-a-line': 'R6: a callback of the runtime is a line of the task that set it',
  'callback-shares-variables': 'R7: what a callback sets is seen by the task',
  'late-line-goes-on': 'R8: a line that comes back into a lost scope is not told',
  'failed-scope-leaves-lines': 'R8: lines that wait when their scope fails go on',
  'late-is-success': 'R9: a body that ends after its deadline is a success',
  'foreign-is-waited-for': 'R9: a plain body that has begun no wait is waited for',
  'late-values-are-dropped': 'R10: nobody gets what a promise brings too late',
  'disguise-is-an-error': 'R11: cancellations in disguise are errors like others',
} as const;

export type Mutation = keyof typeof MUTATIONS;

/** Parts that the comparison leaves out where the runtime cannot tell them, or when it is told to. */
export const PARTS = {
  callbacks: 'R6: callbacks of the runtime',
  late: 'R8: a line that comes back into a lost scope is told',
  bound: 'R6: functions that are bound to an async context',
} as const;

export type Part = keyof typeof PARTS;

/** Where the contract leaves open what happens next: the comparison ends before this time. */
export interface Cut {
  readonly at: Ticks;
  readonly why: string;
  /** Left out on request: what comes after says nothing. */
  readonly isChosen: boolean;
}

// ------------------------------------------------------------------------------------------------------------ promises

export type Outcome = { readonly failure: Failure } | { readonly failure: null; readonly value: string | undefined };

const OK: Outcome = { failure: null, value: undefined };

/** Who will settle a promise. */
export type Source =
  | { readonly kind: 'foreign' }
  | { readonly kind: 'signalled' }
  | { readonly kind: 'library' }
  | { readonly kind: 'line'; readonly line: Line }
  | { readonly kind: 'parts'; readonly parts: readonly Promised[] };

export class Promised {
  readonly source: Source;
  outcome: Outcome | null = null;
  readonly #engine: Engine;
  readonly #reactions: ((outcome: Outcome) => void)[] = [];

  constructor(engine: Engine, source: Source) {
    this.#engine = engine;
    this.source = source;
  }

  settle(outcome: Outcome): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    for (const reaction of this.#reactions) this.#engine.job(false, () => reaction(outcome));
  }

  then(reaction: (outcome: Outcome) => void): void {
    const { outcome } = this;
    if (outcome === null) this.#reactions.push(reaction);
    else this.#engine.job(false, () => reaction(outcome));
  }
}

// ------------------------------------------------------------------------------------------------------------ scopes

/** Somebody wants a scope to end. */
export interface Request {
  readonly scope: Scope;
  /** Set when a line has asked for its own end and another one was told: that one may, or may not, be told at its end again. */
  askedBy: Line | null;
  /** Its place in the order of steps and waits. */
  readonly at: number;
}

/** What can be cancelled as one. */
export class Scope {
  readonly parent: Scope | null;
  readonly task: Task;
  readonly waits = new Set<Wait>();
  readonly inner = new Set<Scope>();
  /** The latest step of a line in it, or in a scope inside. */
  stepped = 0;
  /** The latest new await in it, or in a scope inside. */
  began = 0;
  /** How often its own construct has asked for its end. */
  own = 0;
  pending: Request | null = null;
  /** When a line has last taken what was pending. */
  takenAt: Ticks = -1;
  takenBy: Wait | null = null;
  readonly requests: Request[] = [];
  /** What has told the lines that it has left behind. */
  readonly ends: Request[] = [];
  /** Its body has settled. */
  isOver = false;
  /** By an error. */
  isLost = false;
  /** At its deadline, at once (R9). */
  isLeft = false;
  /** Made for a line that has come late: it takes what that one has missed, and those around wait for others. */
  isLate = false;
  /** The line that awaits the construct. */
  owner: Line | null = null;
  /** A plain body's promise that can be left. */
  leave: (() => boolean) | null = null;
  readonly signals = new Set<{ readonly line: Line; abort(): void }>();

  constructor(parent: Scope | null, task: Task) {
    this.parent = parent;
    this.task = task;
    parent?.inner.add(this);
  }

  *around(): Generator<Scope> {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) yield scope;
  }

  isWithin(other: Scope): boolean {
    for (const scope of this.around()) if (scope === other) return true;
    return false;
  }

  *inside(): Generator<Scope> {
    yield this;
    for (const scope of this.inner) yield* scope.inside();
  }

  allWaits(): Wait[] {
    const waits: Wait[] = [];
    for (const scope of this.inside()) waits.push(...scope.waits);
    return waits.sort((a, b) => a.began - b.began);
  }

  ownAround(): number {
    let sum = 0;
    for (const scope of this.around()) sum += scope.own;
    return sum;
  }
}

/** One call of a function of the program. */
export class Line {
  readonly name: string;
  readonly caller: Line | null;
  /** `null`: no task runs it. */
  scope: Scope | null;
  /** What it awaits. */
  at: Promised | null = null;
  isDone = false;
  /** Whoever awaited it has got another result. */
  isLoser = false;
  readonly bornAt: number;
  /** When it, or a function that it called, has taken what was pending. */
  tookAt: Ticks = -1;
  /** When it last went on. */
  resumedAt = 0;
  /** It has not awaited anything yet. */
  isFirstSegment = true;
  readonly received: Set<Request>;
  /** What a part of it has got. */
  readonly heard: Set<Request>;
  /** A part of `Promise.all` and others, a call that is not awaited, the body of a task or of a construct, or any other. */
  kind: 'call' | 'part' | 'float' | 'body' = 'call';
  /** Requests that came while it was at a foreign promise. */
  readonly missed: Set<Request>;
  /** Variables of its own. */
  variables: Variables | null;
  readonly group: Group | null;
  /** A generator function: its awaits are those of the frames below it. */
  readonly isGenerator: boolean;

  constructor(
    bornAt: number,
    name: string,
    caller: Line | null,
    scope: Scope | null,
    group: Group | null,
    isGenerator = false,
  ) {
    this.isGenerator = isGenerator;
    this.bornAt = bornAt;
    this.name = name;
    this.caller = caller;
    this.scope = scope;
    this.group = group;
    this.received = new Set(caller?.received);
    this.heard = new Set(caller?.heard);
    this.missed = new Set(caller?.missed);
    this.variables = caller?.variables ?? null;
  }

  *callers(): Generator<Line> {
    for (let line: Line | null = this; line !== null; line = line.caller) yield line;
  }

  /** It, and those that wait for it, as long as they do. */
  liveCallers(): Line[] {
    const live: Line[] = [this];
    for (let line = this.caller; line !== null && !line.isDone; line = line.caller) live.push(line);
    return live;
  }

  /** A function that it has called, and waited for, has ended: what that one has missed, it has missed. */
  goOnFrom(callee: Line): void {
    for (const request of callee.missed) if (!this.received.has(request)) this.missed.add(request);
  }

  /** It has ended: who waits for it has asked for what it has asked for. Where nobody does, all whom that concerns have been told. */
  handOverAsked(): void {
    const { caller, scope } = this;
    if (scope === null) return;
    for (const one of scope.around()) {
      const { pending } = one;
      if (pending?.askedBy !== this) continue;
      const isOnStack = caller !== null && caller.at === null && !caller.isDone;
      if (caller === null || (this.kind === 'float' && !isOnStack)) {
        one.pending = null;
        continue;
      }
      pending.askedBy = caller;
      caller.heard.delete(pending);
    }
  }

  /** Whether it is a line of its own that has begun after a request, or was called by one. */
  isBegunSince(request: Request): boolean {
    for (const { kind, bornAt } of this.callers())
      if ((kind === 'float' || kind === 'part') && bornAt >= request.at) return true;
    return false;
  }

  /** Frames of the library await what a plain body returns. */
  isPlain = false;

  /** Whether it awaits as frames do: no new await of a scope begins. */
  get isFrames(): boolean {
    return this.isGenerator || this.isPlain;
  }

  /** The error goes up to those that wait for it; what comes out of a part of `Promise.all` and others is not certain. */
  receive(request: Request): void {
    let isCertain = true;
    for (let line: Line | null = this; line !== null; line = line.kind === 'float' ? null : line.caller) {
      (isCertain ? line.received : line.heard).add(request);
      line.missed.delete(request);
      if (line.kind === 'part') isCertain = false;
    }
  }

  /** It goes on with a cancellation: what its parts have got has come to it. */
  hear(): void {
    for (const request of this.heard) this.received.add(request);
    this.heard.clear();
  }
}

export interface Variables {
  value: string;
}

// ------------------------------------------------------------------------------------------------------------ futures

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

  /** Its body has settled. One that has failed stays open until the lines that it ends have cleaned up. */
  end(given: Outcome): void {
    let outcome = given;
    const asking = this.root.pending?.askedBy ?? null;
    if (outcome.failure === null && asking !== null && (asking.kind !== 'body' || asking.caller !== null))
      this.engine.stop('R3: a line has asked for its own end, and waits elsewhere when its task returns');
    if (this.root.pending !== null && outcome.failure === null) outcome = { failure: CANCELLED };
    const { engine } = this;
    engine.noteEnd();
    const isFailed = outcome.failure !== null;
    this.isCancelled = outcome.failure !== null && isCancellation(outcome.failure, engine.mutation);
    this.#last = this.isCancelled ? { failure: CANCELLED } : outcome;
    engine.leaveScope(this.root, isFailed);
    if (isFailed && this.root.allWaits().length > 0) engine.cleaning.add(this);
    else this.endNow();
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

// ------------------------------------------------------------------------------------------------------------ the engine

interface Timer {
  readonly at: Ticks;
  readonly number: number;
  readonly isOfLoop: boolean;
  readonly call: () => void;
  isCancelled: boolean;
}

const MAX_HANDLES = 100_000;

function shuffle(items: unknown[], chance: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(chance() * (i + 1));
    [items[i], items[other]] = [items[other], items[i]];
  }
}

export class Engine {
  readonly mutation: Mutation | null;
  readonly #without: ReadonlySet<Part>;
  /** Decides what no rule decides: whether a handle of the loop runs before all promises of the last one have settled. */
  readonly #chance: (() => number) | null;
  /** How often a handle runs before all promises have settled. */
  readonly #haste: number;
  /** Frames of generators go on without a promise between. */
  readonly #hasGenerators: boolean;
  #hasBegunWait = false;
  now: Ticks = 0;
  cut: Cut | null = null;
  readonly tasks: Task[] = [];
  readonly lines = new Set<Line>();
  /** Tasks that have failed, or were cancelled, and whose lines still clean up. */
  readonly cleaning = new Set<Task>();
  /** How many promises of code outside wait for a plain future. */
  observers = 0;
  /** The line whose code is on the stack. */
  running: Line | null = null;
  /** The line that this job has resumed. */
  resumed: Line | null = null;
  /** The tasks a line of which is about to wait, in this job. */
  readonly lookedUp = new Set<Task>();
  #clock = 0;
  #jobs: (() => void)[] = [];
  #ready: (() => void)[] = [];
  /** What is left of this iteration of the loop. */
  #iteration: (() => void)[] = [];
  #timers: Timer[] = [];
  #made = 0;
  #atRest: (() => void)[] = [];
  #atEndOfIteration: (() => void)[] = [];
  /** The task whose step is open. */
  #open: Task | null = null;
  /** Counts handles and callbacks, each with all promises that settle in its wake. */
  #tick = 0;
  readonly #steppedInTick = new Map<Task, Scope[]>();

  constructor(
    mutation: Mutation | null,
    without: ReadonlySet<Part>,
    chance: (() => number) | null,
    hasGenerators: boolean,
  ) {
    this.mutation = mutation;
    this.#chance = chance;
    this.#haste = chance === null ? 0 : chance() < 0.7 ? 0.3 : 0.9;
    this.#hasGenerators = hasGenerators;
    this.#without = without;
  }

  /** The program reaches a part that may be left out. */
  reach(part: Part): void {
    if (this.#without.has(part)) this.stop(`left out: ${PARTS[part]}`, true);
  }

  /** The contract says no more about this program. */
  stop(why: string, isChosen = false): void {
    this.cut ??= { at: this.now, why, isChosen };
  }

  /** A task's function has nothing left to run: the loop goes on, though other lines of the task may be on their way. */
  noteEnd(): void {
    this.#hasBegunWait = true;
  }

  /** Whether to go another way where no rule says which. */
  coin(): boolean {
    return this.#chance !== null && this.#chance() < 0.5;
  }

  /** Whether giving way goes on at once: there is nobody to give way to, and no rule says that a turn is needed. */
  givesNoWay(scope: Scope | null): boolean {
    if (scope === null || this.#iteration.length + this.#ready.length > 0) return false;
    for (const one of scope.around()) if (one.pending !== null) return false;
    return this.coin();
  }

  get clock(): number {
    return this.#clock;
  }

  /** Calls once when nothing is left to do at this time. */
  onRest(call: () => void): void {
    this.#atRest.push(call);
  }

  /** Calls when the handles of this iteration of the loop have run. */
  onEndOfIteration(call: () => void): void {
    this.#atEndOfIteration.push(call);
  }

  /**
   * Frames of the library go on when the promise of a body has settled. Where that came from a foreign promise, nothing says whether
   * they do so at once or in an iteration of the loop.
   */
  goOn(task: Task, call: () => void): void {
    if (this.#chance !== null && this.#open !== task && this.#chance() < 0.6)
      this.soon(() => {
        this.#open = task;
        call();
      });
    else call();
  }

  isOpen(task: Task): boolean {
    return this.#open === task;
  }

  /** Calls in a microtask, or at once. */
  job(isDirect: boolean, call: () => void): void {
    if (isDirect || (this.#hasGenerators && this.#chance !== null && this.#chance() < 0.3)) call();
    else this.#jobs.push(call);
  }

  soon(call: () => void): void {
    this.#ready.push(call);
  }

  /** A timer of the loop, or an event from elsewhere. Returns what takes it back. */
  at(when: Ticks, isOfLoop: boolean, call: () => void): () => void {
    const timer: Timer = { at: when, number: this.#made++, isOfLoop, call, isCancelled: false };
    this.#timers.push(timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  #enter(call: () => void): void {
    this.#tick++;
    this.#open = null;
    this.#steppedInTick.clear();
    this.#hasBegunWait = false;
    this.#inJob(call);
    while (this.#jobs.length > 0) {
      if (!this.#goesBefore()) {
        this.#inJob(this.#jobs.shift()!);
        continue;
      }
      this.#tick++;
      this.#open = null;
      this.#hasBegunWait = false;
      this.#inJob((this.#iteration.shift() ?? this.#ready.shift())!);
    }
    for (const task of this.cleaning) if (task.root.allWaits().length === 0) task.endNow();
  }

  /** Whether the next handle runs before all promises have settled: nobody does before a step has come to an await. */
  #goesBefore(): boolean {
    if (this.#chance === null || this.#iteration.length + this.#ready.length === 0) return false;
    return (this.#hasBegunWait || this.#open === null) && this.#chance() < this.#haste;
  }

  #inJob(call: () => void): void {
    this.running = null;
    this.resumed = null;
    this.lookedUp.clear();
    call();
  }

  #runReady(): void {
    let handles = 0;
    while (this.#ready.length > 0 && this.cut === null) {
      this.#iteration = this.#ready;
      this.#ready = [];
      while (this.#iteration.length > 0 && this.cut === null) {
        if (++handles > MAX_HANDLES) throw new Error('the model goes round in circles');
        this.#enter(this.#iteration.shift()!);
      }
      const atEnd = this.#atEndOfIteration;
      this.#atEndOfIteration = [];
      for (const call of atEnd) call();
    }
    const atRest = this.#atRest;
    this.#atRest = [];
    for (const call of atRest) call();
  }

  /** Runs until nothing is left, `isOver` says so, or the contract says no more. */
  run(begin: () => void, isOver: () => boolean): void {
    this.#enter(begin);
    this.#runReady();
    while (this.cut === null && !isOver()) {
      this.#timers = this.#timers.filter((timer) => !timer.isCancelled);
      const when = Math.min(...this.#timers.map((timer) => timer.at));
      if (when === Number.POSITIVE_INFINITY) return;
      const due = this.#timers.filter((timer) => timer.at === when).sort((a, b) => a.number - b.number);
      this.#timers = this.#timers.filter((timer) => timer.at !== when);
      this.now = when;
      if (due.length > 1 && due.some((timer) => !timer.isOfLoop)) this.stop('two events at one time');
      for (const { call } of due.filter((timer) => timer.isOfLoop)) this.soon(call);
      this.#runReady();
      for (const { call } of due.filter((timer) => !timer.isOfLoop)) {
        this.#enter(call);
        this.#runReady();
      }
    }
  }

  // ---------------------------------------------------------------------------------------------------------- steps and waits

  /** A step of a line of a scope begins (R3, R4). */
  step(scope: Scope): void {
    this.#open = scope.task;
    this.#stamp(scope);
  }

  #stamp(scope: Scope): void {
    const now = ++this.#clock;
    for (const one of scope.around()) one.stepped = now;
  }

  /** A line that was at a foreign promise awaits: that it went on was a step, of which nobody knew. */
  #noteCameBack(scope: Scope): void {
    if (this.#open === scope.task) return;
    const stamped = this.#steppedInTick.get(scope.task) ?? [];
    if (stamped.includes(scope)) return;
    this.#stamp(scope);
    this.#steppedInTick.set(scope.task, [...stamped, ...scope.around()]);
  }

  /** An await of this library begins in a scope. */
  begin(scope: Scope): number {
    this.#noteCameBack(scope);
    const now = ++this.#clock;
    for (const one of scope.around()) one.began = now;
    return now;
  }

  /** A wait begins. `isFrame`: a frame of the library goes on waiting. `future` null: it gives way. */
  wait(
    line: Line,
    scope: Scope,
    future: Future | null,
    by: Line | null,
    isFrame: boolean,
    resume: (outcome: Outcome) => void,
  ): void {
    const now = isFrame || line.isFrames ? ++this.#clock : this.begin(scope);
    this.#hasBegunWait = true;
    const wait = new Wait(scope, line, future, now, by, this.#tick, resume);
    if (this.#open !== scope.task) {
      // Two lines that come back at one time: which step was the latest one is not told.
      for (const other of scope.task.root.allWaits())
        if (other.tick === this.#tick && other.by !== by) other.isAmbiguous = true;
    }
    scope.waits.add(wait);
    for (const one of scope.around())
      if (one.takenBy !== null && !one.takenBy.isOver && one.takenBy.line !== line)
        this.stop('R3: several awaits begin in the moment in which a request waits for one');
    const request = this.takePending(scope, line);
    if (request) for (const one of scope.around()) if (one.takenAt === this.now) one.takenBy = wait;
    if (future === null) {
      wait.must = request;
      this.soon(() => wait.run(this));
    } else {
      wait.detach = future.onDone(() => wait.run(this));
      if (request && !future.cancel()) wait.must = true;
    }
  }

  /** The requests that nobody has got, of a scope and those around: one error for all of them. */
  takePending(scope: Scope, line: Line): boolean {
    let was = false;
    for (const one of scope.around()) {
      if (was && scope.isLate) break;
      if (one.pending === null) continue;
      const { askedBy } = one.pending;
      if (askedBy !== null && ![...line.callers()].includes(askedBy)) {
        if (line.received.has(one.pending) || line.heard.has(one.pending)) continue; // it waits for the line that has asked
        this.stop('R3: a line has asked for its own end, and another one awaits');
      }
      was = true;
      for (const other of this.#atForeignIn(one))
        if (other !== line)
          for (const request of one.requests) if (!other.received.has(request)) other.missed.add(request);
      one.takenAt = this.now;
      for (const taker of line.callers()) taker.tookAt = this.now;
      for (const request of one.requests) line.receive(request);
      one.pending = null;
    }
    return was;
  }

  // ---------------------------------------------------------------------------------------------------------- cancellation

  /** A construct asks for its own scope's end (R2). */
  cancelOwn(scope: Scope): void {
    scope.own++;
    this.cancelScope(this.mutation === 'deadline-cancels-task' ? scope.task.root : scope);
  }

  /** The roads of a request to the lines of a scope. */
  cancelScope(scope: Scope): void {
    const request: Request = { scope, askedBy: null, at: ++this.#clock };
    scope.requests.push(request);
    let isDelivered = false;
    const leftovers: Wait[] = [];
    const isInside = this.running?.scope?.isWithin(scope) === true && this.running.scope.task.outcome === null;
    const atForeign = this.#atForeignIn(scope);
    const leaveBodies = (): void => {
      for (const one of scope.inside()) {
        if (isInside && one.leave !== null) this.stop('R9: a line in a plain body asks for its own end');
        if (one.leave?.() === true) {
          isDelivered = true;
          one.owner!.receive(request);
        }
        for (const signal of one.signals) {
          signal.abort();
          signal.line.receive(request);
          isDelivered = true;
        }
        one.signals.clear();
      }
    };
    // No rule says which of several lines is told first.
    const leavesFirst = this.coin();
    if (leavesFirst) leaveBodies();
    const waits = scope.allWaits();
    if (this.#chance !== null) shuffle(waits, this.#chance);
    for (const wait of waits) {
      if (wait.isOver) continue;
      if (wait.isWoken) {
        wait.must = true;
        isDelivered = true;
        wait.line.receive(request);
      } else if (wait.began > scope.stepped) {
        if ([...wait.line.callers()].some((line) => line.isLoser))
          this.stop('R3: a loser of a race that a foreign promise has won');
        if (wait.isAmbiguous) this.stop('two lines came back from foreign promises at one time');
        isDelivered = true;
        wait.line.receive(request);
        if (!wait.future!.cancel()) wait.must = true;
      } else {
        if (wait.isAmbiguous && wait.future!.isShared)
          this.stop('two lines came back from foreign promises at one time');
        leftovers.push(wait);
        this.#leave(wait, request);
      }
    }
    if (!leavesFirst) leaveBodies();
    for (const line of atForeign) line.missed.add(request);
    if (this.mutation === 'foreign-loses-request') return;
    if (isInside) {
      const others = leftovers.filter(({ line }) => ![...line.callers()].some((one) => one.isLoser));
      if (isDelivered || others.length > 0) request.askedBy = this.running;
      scope.pending = request;
    } else if (!isDelivered) {
      if (leftovers.length === 0) this.#setPending(scope, request);
      else if (this.mutation !== 'leftover-takes-request') this.soon(() => this.#check(scope, request, leftovers));
    }
  }

  #setPending(scope: Scope, request: Request): void {
    if (!scope.isOver) scope.pending = request;
  }

  /** The wait ends, what was waited for lives on (R4). */
  #leave(wait: Wait, request: Request): void {
    if (this.mutation === 'leftover-hands-down' && wait.future!.cancel()) return;
    wait.detach();
    wait.isLeft = true;
    wait.future!.isLeft = true;
    wait.line.receive(request);
    this.soon(() => wait.run(this));
  }

  /** All that were hit were leftovers, and they have had their steps (R3). */
  #check(scope: Scope, request: Request, leftovers: readonly Wait[]): void {
    if (scope.isOver || scope.began > request.at) return;
    for (const { line } of leftovers)
      for (const one of line.callers())
        if (one.resumedAt > request.at && one.at !== null && this.#isForeign(one.at, scope))
          this.stop('R3: a leftover cleans up over a foreign promise');
    this.#setPending(scope, request);
  }

  /** Whether what a line of a scope awaits is nothing that a request to the scope reaches. */
  #isForeign(promised: Promised, scope: Scope): boolean {
    if (promised.outcome !== null) return false;
    const { source } = promised;
    switch (source.kind) {
      case 'foreign':
        return true;
      case 'line':
        return source.line.scope?.isWithin(scope) !== true;
      case 'parts':
        return source.parts.every((part) => this.#isForeign(part, scope));
      default:
        return false;
    }
  }

  /** A frame of the library awaits for a line. */
  checkMissed(line: Line, scope: Scope): void {
    for (const { scope: asked } of line.missed)
      if (scope.isWithin(asked) && asked.pending === null)
        this.stop('R3, R8: a line was at a foreign promise when its scope was asked to end');
  }

  /** A body has settled. */
  leaveScope(scope: Scope, isLost: boolean): void {
    if (scope.takenAt === this.now && !isLost)
      this.stop('R3: a body ends in the moment in which another line gets the request');
    scope.isOver = true;
    scope.isLost = isLost;
    if (scope.pending !== null) for (const line of this.#atForeignIn(scope)) line.missed.add(scope.pending);
    scope.pending = null;
    if (isLost && this.mutation !== 'failed-scope-leaves-lines') this.endLines(scope);
  }

  /** Ends the lines that still wait in a scope, apart from those that have got the request that stands there: they clean up (R8). */
  endLines(scope: Scope): void {
    const standing = [...scope.around()].flatMap((one) => {
      const isTakenBack = one.parent === null && one.task.cancels === 0 && one.task.outcome === null;
      return [...(isTakenBack ? [] : one.requests.slice(-1)), ...one.ends];
    });
    const isTold = (line: Line): boolean => {
      if (standing.some((request) => line.heard.has(request)))
        this.stop('R3: a part has got the request, and the line that waited for it has gone on');
      const got = standing.filter((request) => line.received.has(request));
      if (got.length > 0 && got.every((request) => line.isBegunSince(request)))
        this.stop('R8: a line begun by one that had been told outlives it');
      return got.length > 0;
    };
    const end: Request = { scope, askedBy: null, at: ++this.#clock };
    const leaveBodies = (): void => {
      for (const one of scope.inside())
        if (one.owner !== null && !isTold(one.owner) && one.leave?.() === true) one.owner.receive(end);
    };
    const leavesFirst = !this.coin();
    if (leavesFirst) leaveBodies();
    const left = scope.allWaits();
    if (this.#chance !== null) shuffle(left, this.#chance);
    for (const wait of left) {
      if (wait.isOver || isTold(wait.line)) continue;
      wait.line.receive(end);
      if (wait.isWoken) wait.must = true;
      else if (wait.began < scope.stepped) this.#leave(wait, end);
      else if (!wait.future!.cancel()) wait.must = true;
    }
    if (!leavesFirst) leaveBodies();
    if (scope.parent === null && scope.task.isCancelled)
      for (const line of this.#atForeignIn(scope)) if (!isTold(line)) line.missed.add(end);
    scope.ends.push(end);
  }

  #atForeignIn(scope: Scope): Line[] {
    return [...this.lines].filter(
      (line) => line.scope?.isWithin(scope) === true && line.at !== null && this.#isForeign(line.at, scope),
    );
  }

  /** The scope that an await of a line belongs to; `null` where no task runs it. `'late'`: it gets its cancellation instead (R8). */
  ownerOf(line: Line): Scope | null | 'late' {
    const { scope } = line;
    if (scope === null) return null;
    const missed = [...line.missed].filter(({ scope: asked }) => scope.isWithin(asked) && asked.pending === null);
    if (missed.length === 0) return scope;
    const isTold = ({ scope: asked }: Request): boolean => asked.isLost && (asked.isLeft || asked.task.isCancelled);
    if (!missed.every(isTold)) {
      // Another line has got the request, and it is not told whether this one should.
      this.stop('R3, R8: a line was at a foreign promise when its scope was asked to end');
      return scope;
    }
    if (missed.every((request) => line.isBegunSince(request)))
      this.stop('R8: several branches of a line that comes late');
    for (const request of missed) line.receive(request);
    if (this.mutation === 'late-line-goes-on') return scope;
    this.reach('late');
    this.#noteCameBack(scope);
    return this.#moveLate(line, scope);
  }

  /** A line that is told late goes on in what is left of the scopes around it; outside, where nothing is (R8). */
  #moveLate(line: Line, from: Scope): Scope | 'late' {
    let live: Scope | null = null;
    for (const one of [...from.around()].reverse()) {
      if (one.isLost) break;
      live = one;
    }
    const late = live === null ? null : new Scope(live, live.task);
    if (late !== null) {
      late.isLate = true;
      late.pending = { scope: late, askedBy: null, at: ++this.#clock };
    }
    for (
      let one: Line | null = line;
      one !== null && one.scope === from;
      one = one.kind === 'float' ? null : one.caller
    ) {
      one.variables ??= from.task.variables;
      one.scope = late;
    }
    return late ?? 'late';
  }
}

/** What the model knows of a task group. */
export interface Group {
  createTask(name: string, begin: (task: Task) => void): Task;
  cancel(): void;
}
