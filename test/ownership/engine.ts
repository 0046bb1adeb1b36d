/**
 * What the model's programs run on: an event loop as CPython has it, and the roads of a request to the lines of a scope, as `README.md`
 * says.
 */
import { type Future, Task, Wait } from './futures.ts';
import { type Cut, type Mutation, type Outcome, PARTS, type Part } from './outcome.ts';
import type { Ticks } from './program.ts';
import type { Promised } from './promises.ts';
import { type Line, type Request, Scope } from './scopes.ts';

interface Timer {
  readonly at: Ticks;
  readonly number: number;
  readonly isOfLoop: boolean;
  readonly call: () => void;
  isCancelled: boolean;
}

const TOLD_AND_FOREIGN =
  'R3: a line that has been told comes back from a foreign promise, and the request waits for another line';

const ASKED_AND_SIGNAL = 'R3: a line has asked for its own end, and another one has got that by the signal';

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
  /** `run()` is over: what other promises bring still goes on. */
  isClosed = false;
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

  /** Whether giving way continues at once: no other task is ready, and no rule says that a turn is needed. */
  givesNoWay(scope: Scope | null): boolean {
    if (scope === null || this.#iteration.length + this.#ready.length > 0) return false;
    for (const one of scope.around()) if (one.pending !== null) return false;
    return this.coin();
  }

  get clock(): number {
    return this.#clock;
  }

  /** Something happens that others come before or after. */
  tick(): number {
    return ++this.#clock;
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
    if (this.isClosed) return;
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
    if (!this.isClosed) this.#ready.push(call);
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
    for (const task of this.cleaning) if (!task.hasCleanUps()) task.endNow();
  }

  /** Whether the next handle runs before all promises have settled: none does before a step has come to an await. */
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

  /** Runs until nothing is left, or the contract says no more. */
  run(begin: () => void): void {
    this.#enter(begin);
    this.#runReady();
    while (this.cut === null) {
      this.#timers = this.#timers.filter((timer) => !timer.isCancelled && !(timer.isOfLoop && this.isClosed));
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

  /** A line that was at a foreign promise awaits: going on was a step that the model had not noticed. */
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
      // Two lines that come back at one time: it is not known which step was the latest one.
      for (const other of scope.task.root.allWaits())
        if (other.tick === this.#tick && other.by !== by) other.isAmbiguous = true;
    }
    scope.waits.add(wait);
    for (const one of scope.around())
      if (one.takenBy !== null && !one.takenBy.isOver && one.takenBy.line !== line)
        this.stop('R3: several awaits begin in the moment in which a request waits for one');
    this.checkGone(scope);
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

  /** The requests to a scope, and to those around it, that no line has received: one error for all of them. */
  takePending(scope: Scope, line: Line): boolean {
    let was = false;
    for (const one of scope.around()) {
      if (was && scope.isLate) break;
      if (one.pending === null) continue;
      if (one.pending.bySignal) this.stop(ASKED_AND_SIGNAL);
      const { askedBy } = one.pending;
      if (askedBy !== null && !line.isOf(askedBy, one.pending)) {
        if (line.received.has(one.pending) || line.heard.has(one.pending)) {
          this.checkTold(one);
          continue; // it waits for the line that has asked
        }
        this.stop('R3: a line has asked for its own end, and another one awaits');
      }
      if (!this.waitsFor(one, line)) continue;
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

  /** A line comes back from a foreign promise: whether it has received the request is not known, and the line that made the request has ended. */
  checkGone(scope: Scope): void {
    for (const { gone } of scope.around()) {
      if (gone?.bySignal) this.stop(ASKED_AND_SIGNAL);
      if (gone !== null && this.#open !== scope.task) this.stop(TOLD_AND_FOREIGN);
    }
  }

  /** Whether a request that is pending in a scope is for a line: for all but those that have got it. */
  waitsFor({ pending, again, task }: Scope, line: Line): boolean {
    if (pending === null) return false;
    if (pending === again) return true;
    if (line.received.has(pending)) {
      this.checkTold({ pending, task });
      return false;
    }
    return true;
  }

  /** A line that has been told awaits while the request waits for another line: whether the library knows that it has been told. */
  checkTold({ pending, task }: Pick<Scope, 'pending' | 'task'>): void {
    if (pending?.bySignal) this.stop(ASKED_AND_SIGNAL);
    if (this.#open !== task) this.stop(TOLD_AND_FOREIGN);
  }

  // ---------------------------------------------------------------------------------------------------------- cancellation

  /** A construct asks for its own scope's end (R2). */
  cancelOwn(scope: Scope): void {
    scope.own++;
    this.cancelScope(this.mutation === 'deadline-cancels-task' ? scope.task.root : scope);
  }

  /** The roads of a request to the lines of a scope. */
  cancelScope(scope: Scope): void {
    const request: Request = { scope, askedBy: null, bySignal: false, at: ++this.#clock };
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
          one.signalSeenAt = ++this.#clock;
          request.bySignal = isInside;
          isDelivered = true;
        }
        one.signals.clear();
      }
    };
    // No rule says which of several lines gets the request first.
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
      if (isDelivered || others.length > 0) {
        this.reach('self-cancel');
        request.askedBy = this.running;
      }
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
    if (wait.future instanceof Task && wait.future.madeFor !== null) wait.future.cancel(); // nobody else knows it
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
        return source.parts.every((part) => part.outcome !== null || this.#isForeign(part, scope));
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

  /** Ends the lines that still wait in a scope, except those that have already received its request: they clean up (R8). */
  endLines(scope: Scope): void {
    const standing = [...scope.around()].flatMap((one) => {
      const isTakenBack = one.parent === null && one.task.cancels === 0 && one.task.outcome === null;
      return [...(isTakenBack ? [] : one.requests.slice(-1)), ...one.ends];
    });
    const isTold = (line: Line): boolean => {
      const got = standing.filter((request) => line.received.has(request));
      if (got.length > 0 && got.every((request) => line.isBegunSince(request)))
        this.stop('R8: a line begun by one that had been told outlives it');
      const isOfTold = (request: Request): boolean =>
        line.isBegunSince(request) && [...line.callers()].some((one) => one.received.has(request));
      if (got.length === 0 && standing.some(isOfTold))
        this.stop('R8: a line begun by one that had been told outlives it');
      return got.length > 0;
    };
    const end: Request = { scope, askedBy: null, bySignal: false, at: ++this.#clock };
    const leaveBodies = (): void => {
      for (const one of scope.inside())
        if (one.owner !== null && !isTold(one.owner) && one.leave?.() === true) {
          one.owner.receive(end);
          for (const line of this.#atForeignIn(one)) line.missed.add(end);
        }
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
    const missed = [...line.missed].filter(
      (request) => scope.isWithin(request.scope) && request.scope.pending !== request,
    );
    const isLost = (one: Scope): boolean => one.isLost && (one.isLeft || one.task.isCancelled);
    if (missed.length === 0) {
      for (const one of scope.around())
        if (one.isLost && [...line.received].some((request) => line.isBegunSince(request)))
          this.stop('R8: a line begun by one that had been told outlives it');
      return scope;
    }
    const isTold = ({ scope: asked }: Request): boolean =>
      [...scope.around()].some((one) => one.isWithin(asked) && isLost(one));
    const isSeen = (one: Scope): boolean => missed.some(({ at }) => one.signalSeenAt > at);
    if (scope.signalSeenAt > 0 || [...scope.around()].some(isSeen))
      this.stop('R8: a line comes late, and another one of its scope has got the request by the signal');
    if (!missed.every(isTold)) {
      // Another line has received the request, and no rule says whether this one should.
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

  /** A line that gets a request late continues in the scopes around it that are still open, or outside if there are none (R8). */
  #moveLate(line: Line, from: Scope): Scope | 'late' {
    let live: Scope | null = null;
    for (const one of [...from.around()].reverse()) {
      if (one.isLost) break;
      live = one;
    }
    const late = live === null ? null : new Scope(live, live.task);
    if (late !== null) {
      late.isLate = true;
      late.pending = { scope: late, askedBy: null, bySignal: false, at: ++this.#clock };
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
