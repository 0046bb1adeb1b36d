/** The model: an interpreter of programs of its own, on `engine.ts`. See README.md for the rules that it follows. */
import { type Awaited, gather, type Interpreter, runGroup, runTimeout, shield, Thrown } from './constructs.ts';
import { Engine } from './engine.ts';
import { Future, Task } from './futures.ts';
import {
  CANCELLED,
  type Cut,
  type Failure,
  isCancellation,
  type Mutation,
  OK,
  type Outcome,
  type Part,
} from './outcome.ts';
import {
  type Body,
  type Entry,
  isGenerator,
  isWait,
  label,
  type Program,
  RELEASE,
  type Spelling,
  type Step,
  type Ticks,
  type Trace,
  type Wait,
} from './program.ts';
import { Promised } from './promises.ts';
import { type Group, Line, type Scope, type Variables } from './scopes.ts';

export interface ModelTrace extends Trace {
  /** Up to when the contract says what happens. */
  cut: Cut | null;
}

/** Ends a function early. */
const RETURN = new Thrown({ name: 'return' });
const BOOM: Failure = { name: 'Boom' };
const AGGREGATE = 'AggregateError';

/** What a program can do without the library. */
const NEEDS_NO_LOOP: ReadonlySet<string> = new Set([
  'throw',
  'return',
  'float',
  'hold',
  'thenForeign',
  'who',
  'cancelling',
  'getVariable',
]);

type Frame = Generator<Promised, void, string | undefined>;

export function nameOf(failure: Failure): string {
  if (isCancellation(failure)) return 'CancelledError';
  return failure.parts === undefined ? failure.name : `${failure.name}(${failure.parts.map(nameOf).sort().join(', ')})`;
}

export interface ModelOptions {
  readonly mutation?: Mutation | null;
  readonly without?: ReadonlySet<Part>;
  /** Goes another way where no rule says which: random numbers. */
  readonly chance?: (() => number) | null;
  readonly spelling?: Spelling;
}

export function runModel(program: Program, options: ModelOptions = {}): ModelTrace {
  return new Model(options).run(program);
}

class Model implements Interpreter {
  readonly engine: Engine;
  readonly mutation: Mutation | null;
  readonly #spelling: Spelling;
  readonly #entries: Entry[] = [];
  readonly #tasks = new Map<string, Task>();
  readonly #futures = new Map<string, Future>();
  readonly #promises = new Map<string, Promised>();
  readonly #listeners = new Map<string, ((emitter: Line) => void)[]>();
  #endedAt: Ticks | null = null;
  #isClosing = false;

  constructor({ mutation = null, without = new Set(), chance = null, spelling = 'async' }: ModelOptions) {
    this.mutation = mutation;
    this.#spelling = spelling;
    this.engine = new Engine(mutation, without, chance, spelling !== 'async');
  }

  run(program: Program): ModelTrace {
    const engine = this.engine;
    for (const { at, cancel } of program.outside) engine.at(at, false, () => void this.#tasks.get(cancel)?.cancel());
    engine.at(RELEASE, false, () => {
      if (engine.isClosed) return;
      for (const future of this.#futures.values()) future.settle(OK);
    });
    engine.run(() => {
      const main = this.task('main', { value: '-' }, (task) => this.#runBody(task, program.main, null), 'main');
      main.onDone(() => (engine.coin() ? this.#close(main) : engine.onEndOfIteration(() => this.#close(main))));
    });
    return { entries: this.#entries, endedAt: this.#endedAt, stray: [], untold: [], cut: engine.cut };
  }

  /** The main task is done: what is left is cancelled and waited for (R8). */
  #close(main: Task): void {
    const engine = this.engine;
    this.#isClosing = true;
    const others = engine.tasks.filter((task) => task !== main && !task.isOfToldLine());
    const waits = engine.tasks.flatMap((task) => task.root.allWaits());
    const isAwaited = (task: Task): boolean => task.hasFollower || waits.some((wait) => wait.future === task);
    const awaited = others.filter(isAwaited);
    const before = awaited.map((task) => task.cancels);
    for (const task of others) if (!awaited.includes(task)) task.cancel();
    // Who awaits it has handed its request on: one is enough.
    for (const [i, task] of awaited.entries()) if (task.cancels === before[i]) task.cancel();
    for (const task of engine.tasks) if (task.outcome !== null) engine.endLines(task.root);
    if (engine.observers > 0) engine.stop('R8: code outside waits for a future when run() ends');
    const look = (): void => {
      if (engine.tasks.every((task) => task.outcome !== null && task.root.allWaits().length === 0)) {
        this.#endedAt = engine.now;
        engine.isClosed = true;
        this.#log(
          'run',
          main.isCancelled ? 'CancelledError' : main.outcome!.failure === null ? 'ok' : nameOf(main.outcome!.failure),
        );
      } else if (engine.tasks.some((task) => task.outcome === null && task.root.allWaits().length === 0)) {
        engine.stop('R8: a task is at a foreign promise when run() ends');
      } else engine.onRest(look);
    };
    engine.onRest(look);
  }

  #log(line: string, text: string): void {
    this.#entries.push({ at: this.engine.now, line, text });
  }

  // -------------------------------------------------------------------------------------------------------------- tasks

  task(name: string, variables: Variables, begin: (task: Task) => void, watched: string | null): Task {
    const task = new Task(this.engine, name, variables, begin);
    if (watched !== null) {
      this.#tasks.set(watched, task);
      const counted = (): string => String(task.cancelling(null));
      let atEnd = '';
      task.beforeEnd = () => {
        atEnd = counted();
      };
      task.onDone(() => {
        if (counted() !== atEnd) this.engine.stop('R2: scopes of a task are left in the moment in which it ends');
        const outcome = task.isCancelled
          ? 'cancelled'
          : task.outcome!.failure === null
            ? 'ok'
            : nameOf(task.outcome!.failure);
        this.#log(`task ${watched}`, `${outcome}, cancelling ${atEnd}`);
      });
    }
    return task;
  }

  #runBody(task: Task, body: Body, group: Group | null): void {
    const line = new Line(this.engine.clock, `f${body.id}`, null, task.root, group, this.isGenerator(body));
    line.kind = 'body';
    this.start(line, body).then((outcome) => task.end(outcome, line));
  }

  isGenerator(body: Body): boolean {
    return isGenerator(body, this.#spelling);
  }

  variablesOf(line: Line): Variables {
    return line.variables ?? line.scope!.task.variables;
  }

  #spawn(line: Line, body: Body, watched: string | null, group: Group | null): Task {
    if (this.#isClosing) this.engine.stop('R8: a task begins while run() ends');
    return this.task(watched ?? 'a task', this.variablesOf(line), (task) => this.#runBody(task, body, group), watched);
  }

  // -------------------------------------------------------------------------------------------------------------- lines

  /** Calls an async function. */
  start(line: Line, body: Body): Promised {
    const engine = this.engine;
    const promised = new Promised(engine, { kind: 'line', line });
    const frame = this.#call(line, body);
    engine.lines.add(line);
    const advance = (outcome: Outcome): void => {
      const outer = engine.running;
      engine.running = line;
      line.at = null;
      if (outcome.failure !== null && isCancellation(outcome.failure)) line.hear();
      line.resumedAt = engine.clock + 0.5;
      try {
        const sent = outcome.failure === null ? frame.next(outcome.value) : frame.throw(new Thrown(outcome.failure));
        if (sent.done) {
          this.#finish(line);
          promised.settle(OK);
        } else {
          line.at = sent.value;
          line.isFirstSegment = false;
          sent.value.then((result) => {
            engine.resumed = line;
            advance(result);
          });
        }
      } catch (error) {
        if (!(error instanceof Thrown)) throw error;
        this.#finish(line);
        promised.settle({ failure: error.failure });
      } finally {
        engine.running = outer;
      }
    };
    advance(OK);
    return promised;
  }

  #finish(line: Line): void {
    line.isDone = true;
    this.engine.lines.delete(line);
    if (line.caller?.at != null && isOf(line.caller.at, line)) line.caller.goOnFrom(line);
    if (line.kind !== 'body') line.handOverAsked();
  }

  *#call(line: Line, body: Body): Frame {
    this.#log(line.name, 'begins');
    try {
      yield* this.#block(line, body);
    } catch (error) {
      if (error !== RETURN) {
        if (error instanceof Thrown) this.#log(line.name, `threw ${nameOf(error.failure)}`);
        throw error;
      }
    }
    this.#log(line.name, 'returned');
  }

  *#block(line: Line, body: Body): Frame {
    for (const step of body.steps) {
      if (isWait(step)) {
        const awaited = this.begin(line, step, line);
        if (awaited === null) {
          this.#log(line.name, `${label(step)}: none`);
          continue;
        }
        awaited.begin?.();
        const value = yield awaited.promised;
        this.#log(line.name, `${label(step)}: ${value ?? 'ok'}`);
      } else if (step.op === 'try') {
        yield* this.#try(line, step);
      } else {
        this.#do(line, step);
      }
    }
  }

  *#try(line: Line, step: Extract<Step, { op: 'try' }>): Frame {
    try {
      line.tries++;
      yield* this.#block(line, step.body);
      line.tries--;
    } catch (error) {
      line.tries--;
      if (!(error instanceof Thrown) || error === RETURN || step.caught === null) throw error;
      this.#log(line.name, `caught ${nameOf(error.failure)}`);
      yield* this.#block(line, step.caught);
      if (step.then === 'rethrow') throw error;
      if (step.then === 'disguise') throw new Thrown({ name: 'AbortError', cause: error.failure });
    } finally {
      if (step.last !== null) yield* this.#block(line, step.last);
    }
  }

  // -------------------------------------------------------------------------------------------------------------- awaits

  /** What an `await` has on its right. `by` is the line that it counts for: a part of `Promise.all` is one of its own. */
  begin(line: Line, wait: Wait, by: Line): Awaited | null {
    const engine = this.engine;
    switch (wait.op) {
      case 'sleep':
        return this.#ofCoroutine(by, wait, (scope, resumed, settle) => {
          const future = new Future(engine, false);
          const takeBack = engine.at(engine.now + wait.ticks, true, () => future.settle(OK));
          future.onDone(takeBack);
          engine.wait(by, scope, future, resumed, false, settle);
        });
      case 'turn':
        if (by.missed.size === 0 && engine.givesNoWay(by.scope))
          return { promised: settled(engine), begin: null, line: null };
        return this.#ofCoroutine(by, wait, (scope, resumed, settle) =>
          engine.wait(by, scope, null, resumed, false, settle),
        );
      case 'foreign':
        return { promised: this.#foreign(wait.ticks, wait.fails === true), begin: null, line: null };
      case 'signalled':
        return { promised: this.#signalled(by, wait.ticks), begin: null, line: null };
      case 'wrapped': {
        const future = new Future(engine, false);
        this.#foreign(wait.ticks, false).then((outcome) => {
          if (engine.isClosed) engine.stop('R8: a future is set after the end of run()');
          if (future.outcome !== null || future.isGivenUp) this.#noteLate(line, wait);
          if (future.isGivenUp) future.cancel();
          future.settle(outcome);
        });
        return this.#ofFuture(by, future);
      }
      case 'future':
        return this.#ofFuture(by, this.#future(wait.name));
      case 'call': {
        const callee = this.#callee(line, wait.body);
        return { promised: this.start(callee, wait.body), begin: null, line: callee };
      }
      case 'memo': {
        const memo = this.#promises.get(wait.name) ?? this.start(this.#callee(line, wait.body), wait.body);
        this.#promises.set(wait.name, memo);
        this.#hearFrom(by, memo);
        return { promised: memo, begin: null, line: null };
      }
      case 'held': {
        const promised = this.#promises.get(wait.name);
        if (promised === undefined) return null;
        this.#hearFrom(by, promised);
        return { promised, begin: null, line: null };
      }
      case 'join': {
        const task = this.#tasks.get(wait.name);
        return task === undefined ? null : this.#ofFuture(by, task);
      }
      case 'joinThen': {
        const task = this.#tasks.get(wait.name);
        if (task === undefined) return null;
        const promised = this.#then(line, task, wait.body);
        promised.then(({ failure }) => {
          if (
            failure !== null &&
            isCancellation(failure) &&
            !this.#endsBy(by) &&
            [...(by.scope?.around() ?? [])].some((one) => one.requests.length > 0)
          )
            engine.stop('R3, R5: task.then(f) ends by a cancellation, and whoever awaits it goes on');
        });
        return { promised, begin: null, line: null };
      }
      case 'together':
        return this.#together(line, wait);
      case 'timeout':
      case 'waitFor': {
        const when = engine.now + wait.ticks;
        return this.#ofCoroutine(by, wait, (scope, _resumed, settle) =>
          runTimeout(this, by, scope, when, wait.limited, settle),
        );
      }
      case 'group':
        return this.#ofCoroutine(by, wait, (scope, _resumed, settle) => runGroup(this, by, scope, wait.body, settle));
      case 'shield':
        return this.#ofFuture(by, shield(this, this.#spawn(line, wait.body, null, line.group)));
      case 'shieldTask': {
        const task = this.#tasks.get(wait.name);
        return task === undefined ? null : this.#ofFuture(by, shield(this, task));
      }
      case 'gather':
        return this.#ofFuture(
          by,
          gather(
            this,
            wait.bodies.map((body) => this.#spawn(line, body, null, line.group)),
          ),
        );
    }
  }

  /** Whether a line does nothing more when its await throws, and nobody else in its task does: the body of a task, outside any `try`. */
  #endsBy(line: Line): boolean {
    return line.kind === 'body' && line.caller === null && line.tries === 0;
  }

  /** Who awaits a kept promise goes on in the step in which its function ends, and has got what that has. */
  #hearFrom(by: Line, promised: Promised): void {
    const { outcome, source } = promised;
    if (outcome !== null || source.kind !== 'line') return;
    const { line } = source;
    promised.then(() => {
      const task = by.scope?.task;
      if (task === undefined || line.scope?.task !== task || !this.engine.isOpen(task)) return;
      for (const request of line.received) by.receive(request);
    });
  }

  /** R10. */
  #noteLate(line: Line, wait: Wait): void {
    if (this.mutation !== 'late-values-are-dropped') this.#log(line.name, `${label(wait)}: late`);
  }

  #callee(line: Line, body: Body, kind: Line['kind'] = 'call'): Line {
    // What a generator function calls is one too.
    const callee = new Line(this.engine.clock, `f${body.id}`, line, line.scope, line.group, line.isGenerator);
    callee.kind = kind;
    return callee;
  }

  /** A coroutine of the library begins where it is awaited, in the task whose line awaits it, or in one of its own. */
  #ofCoroutine(
    by: Line,
    wait: Wait,
    run: (scope: Scope, resumed: Line | null, settle: (outcome: Outcome) => void) => void,
  ): Awaited {
    const engine = this.engine;
    const promised = new Promised(engine, { kind: 'library' });
    const begin = (isDirect = false): void => {
      const { resumed } = engine;
      if (by.scope !== null) engine.lookedUp.add(by.scope.task);
      engine.job(isDirect, () => {
        if (engine.isClosed) {
          this.#endLate(by, promised);
          return;
        }
        const scope = engine.ownerOf(by);
        if (scope === 'late') {
          engine.soon(() => promised.settle({ failure: CANCELLED }));
        } else if (scope !== null && (scope.task.outcome === null || wait.op === 'sleep' || wait.op === 'turn')) {
          run(scope, resumed, (outcome) => promised.settle(outcome));
        } else {
          if (this.#isClosing && scope === null) engine.stop('R8: code outside awaits while run() ends');
          const task = this.task(
            'a task',
            this.variablesOf(by),
            (owner) => run(owner.root, null, (outcome) => owner.end(outcome, null)),
            null,
          );
          // A line of a task that is over waits for it where it is, and hands down what it gets; code outside only looks.
          if (scope === null) task.onDone(() => promised.settle(task.outcome!));
          else {
            task.madeFor = by;
            engine.wait(by, scope, task, resumed, false, (outcome) => promised.settle(outcome));
          }
        }
      });
    };
    return { promised, begin, line: null };
  }

  /** A line that comes back when `run()` is over gets one cancellation (R8). */
  #endLate(by: Line, promised: Promised): void {
    const { engine } = this;
    if (by.scope === null) engine.stop('R8: code outside awaits after the end of run()');
    // The calls of one segment cannot be distinguished.
    const family: Line[] = [];
    for (let line: Line | null = by; line !== null; line = line.caller) {
      family.push(line);
      const isOfSegment = line.caller !== null && line.bornAt >= line.caller.resumedAt - 0.5;
      if (line.kind === 'float' && !isOfSegment) break;
    }
    if (family.some((line) => line.isTooLate)) engine.stop('R8: a line awaits again after the end of run()');
    engine.reach('late');
    for (const line of family) line.isTooLate = true;
    promised.settle({ failure: CANCELLED });
  }

  #ofFuture(by: Line, future: Future): Awaited {
    const engine = this.engine;
    const promised = new Promised(engine, { kind: 'library' });
    const begin = (isDirect = false): void => {
      const { resumed } = engine;
      if (by.scope !== null) engine.lookedUp.add(by.scope.task);
      engine.job(isDirect, () => {
        if (engine.isClosed) {
          this.#endLate(by, promised);
          return;
        }
        const scope = engine.ownerOf(by);
        if (scope === 'late') {
          promised.settle({ failure: CANCELLED });
        } else if (future.outcome !== null) {
          promised.settle(future.outcome);
        } else if (scope === null) {
          engine.observers++;
          future.onDone(() => {
            engine.observers--;
            promised.settle(future.outcome!);
          });
        } else engine.wait(by, scope, future, resumed, false, (outcome) => promised.settle(outcome));
      });
    };
    return { promised, begin, line: null };
  }

  /** `task.then(f)`: no wait; `f` is code of the scope that called it (R4, R5). */
  #then(line: Line, task: Task, body: Body): Promised {
    const engine = this.engine;
    const source = new Promised(engine, { kind: 'foreign' });
    const promised = new Promised(engine, { kind: 'foreign' });
    const callee = this.#waitingCallee(line, body, source);
    if (this.mutation === 'then-waits' && line.scope !== null && task.outcome === null)
      engine.wait(line, line.scope, task, null, false, (outcome) => source.settle(outcome));
    else if (task.outcome !== null) source.settle(task.outcome);
    else task.onDone(() => source.settle(task.outcome!));
    source.then((outcome) => {
      if (outcome.failure === null) this.start(callee, body).then((result) => promised.settle(result));
      else {
        this.#finish(callee);
        promised.settle(outcome);
      }
    });
    return promised;
  }

  /** A function that a promise will call. */
  #waitingCallee(line: Line, body: Body, at: Promised): Line {
    const callee = new Line(this.engine.clock, `f${body.id}`, null, line.scope, line.group);
    for (const request of line.received) callee.received.add(request);
    callee.kind = 'float';
    callee.isTooLate = line.isTooLate;
    callee.variables = line.variables;
    callee.at = at;
    this.engine.lines.add(callee);
    return callee;
  }

  #foreign(ticks: Ticks, fails: boolean): Promised {
    const promised = new Promised(this.engine, { kind: 'foreign' });
    this.engine.at(this.engine.now + ticks, false, () => promised.settle(fails ? { failure: BOOM } : OK));
    return promised;
  }

  #signalled(line: Line, ticks: Ticks): Promised {
    const engine = this.engine;
    const promised = new Promised(engine, { kind: 'signalled' });
    const { scope } = line;
    const abort = (): void => promised.settle({ failure: { name: 'AbortError', cause: CANCELLED } });
    if (scope === null || scope.task.outcome !== null) engine.stop('currentSignal() outside a task');
    else if (this.#takeBySignal(scope, line)) abort();
    else if ([...scope.around()].some((one) => one.requests.length > 0))
      engine.stop('a signal that was aborted before');
    else {
      const signal = { line, abort };
      scope.signals.add(signal);
      engine.at(engine.now + ticks, false, () => {
        scope.signals.delete(signal);
        promised.settle(OK);
      });
    }
    return promised;
  }

  #together(line: Line, wait: Extract<Wait, { op: 'together' }>): Awaited {
    const engine = this.engine;
    const parts: { readonly awaited: Awaited; readonly line: Line }[] = [];
    for (const part of wait.parts) {
      const partLine = new Line(engine.clock, line.name, line, line.scope, line.group);
      partLine.kind = 'part';
      const awaited = this.begin(line, part, partLine);
      if (awaited?.line != null) awaited.line.kind = 'part';
      // A promise list takes `null` for a value.
      parts.push({
        awaited: awaited ?? { promised: settled(engine), begin: null, line: null },
        line: awaited?.line ?? partLine,
      });
    }
    for (const { awaited } of parts) awaited.begin?.();
    const promised = new Promised(engine, { kind: 'parts', parts: parts.map(({ awaited }) => awaited.promised) });
    const results: Outcome[] = [];
    let left = parts.length;
    const settle = (outcome: Outcome, last: Line): void => {
      if (promised.outcome !== null) return;
      parts.forEach((part, i) => {
        line.goOnFrom(part.line);
        if (results[i] !== undefined) return;
        part.line.isLoser = true;
        if (part.line.tookAt === engine.now)
          engine.stop('R3: a race is lost in the moment in which the loser gets the request');
      });
      if (outcome.failure !== null && isCancellation(outcome.failure)) line.hear();
      else line.hearFrom(last);
      promised.settle(outcome);
    };
    parts.forEach(({ awaited }, i) => {
      awaited.promised.then((outcome) => {
        const { line: part } = parts[i]!;
        results[i] = outcome;
        part.handOverAsked();
        left--;
        if (wait.how === 'race') settle(outcome.failure === null ? OK : outcome, part);
        else if (wait.how === 'all' && outcome.failure !== null) settle(outcome, part);
        else if (wait.how === 'any' && outcome.failure === null) settle(OK, part);
        else if (left === 0) settle(this.#collected(wait.how, results), part);
      });
    });
    // The program goes on from a `then` of this promise.
    const derived = new Promised(engine, { kind: 'parts', parts: [promised] });
    promised.then((outcome) => derived.settle(outcome));
    return { promised: derived, begin: null, line: null };
  }

  #collected(how: string, results: readonly Outcome[]): Outcome {
    if (how === 'any') return { failure: { name: AGGREGATE, parts: results.map((result) => result.failure!) } };
    if (how === 'all') return OK;
    return {
      failure: null,
      value: results.map((result) => (result.failure === null ? 'ok' : nameOf(result.failure))).join(' '),
    };
  }

  #future(name: string): Future {
    const known = this.#futures.get(name);
    if (known !== undefined && !known.isCancelled) return known;
    const future = new Future(this.engine, true);
    this.#futures.set(name, future);
    if (this.engine.now >= RELEASE) future.settle(OK);
    return future;
  }

  // -------------------------------------------------------------------------------------------------------------- at once

  #do(line: Line, step: Exclude<Step, Wait | { op: 'try' }>): void {
    const engine = this.engine;
    if (engine.isClosed && !NEEDS_NO_LOOP.has(step.op)) engine.stop(`R8: ${step.op} after the end of run()`);
    const note = (what: string): void => this.#log(line.name, `${label(step)}: ${what}`);
    switch (step.op) {
      case 'throw':
        throw new Thrown(BOOM);
      case 'return':
        throw RETURN;
      case 'set':
        this.#future(step.name).settle(OK);
        return;
      case 'spawn':
        this.#spawn(line, step.body, step.name, null);
        return;
      case 'child':
        line.group?.createTask(step.name, (task) => this.#runBody(task, step.body, line.group));
        return;
      case 'cancelGroup':
        line.group?.cancel();
        return;
      case 'float':
        this.start(this.#callee(line, step.body, 'float'), step.body);
        return;
      case 'hold':
        this.#promises.set(step.name, this.start(this.#callee(line, step.body, 'float'), step.body));
        return;
      case 'cancel':
        note(String(this.#tasks.get(step.name)?.cancel() ?? 'none'));
        return;
      case 'cancelSelf':
        if (this.#taskOf(line) === null) engine.stop('currentTask().cancel() outside a task');
        this.#taskOf(line)?.cancel();
        return;
      case 'uncancel':
        this.#uncancel(line, note);
        return;
      case 'timer':
        this.#timer(line, step.ticks, step.body);
        return;
      case 'bound':
      case 'thenForeign': {
        if (step.op === 'bound') engine.reach('bound');
        const promised = this.#foreign(step.ticks, false);
        const callee = this.#waitingCallee(line, step.body, promised);
        promised.then(() => void this.start(callee, step.body));
        return;
      }
      case 'thenTask': {
        const task = this.#tasks.get(step.name);
        if (task !== undefined) this.#then(line, task, step.body);
        return;
      }
      case 'listen': {
        const listeners = this.#listeners.get(step.name) ?? [];
        this.#listeners.set(step.name, listeners);
        // It belongs to the code that emits (R1), but `g` is what it was where the function was written.
        listeners.push(
          (emitter) =>
            void this.start(new Line(engine.clock, `f${step.body.id}`, emitter, emitter.scope, line.group), step.body),
        );
        return;
      }
      case 'emit':
        for (const listener of [...(this.#listeners.get(step.name) ?? [])]) listener(line); // one that is added now is for the next event
        return;
      case 'setVariable':
        this.#setVariable(line, step.value);
        return;
      case 'getVariable':
        note(this.variablesOf(line).value);
        return;
      case 'cancelling': {
        const task = this.#taskOf(line);
        note(task === null ? 'none' : String(task.cancelling(line.scope)));
        return;
      }
      case 'who':
        note(line.scope === null ? 'nobody' : (this.#taskOf(line)?.name ?? 'nobody'));
        return;
      case 'throwIfAborted':
        this.#throwIfAborted(line);
        return;
    }
  }

  #taskOf(line: Line): Task | null {
    if (line.scope === null) return null;
    return line.scope.task.outcome === null ? line.scope.task : null;
  }

  #uncancel(line: Line, note: (what: string) => void): void {
    const task = this.#taskOf(line);
    if (task === null) {
      this.engine.stop('uncancel() outside a task');
      return;
    }
    const scope = line.scope!;
    if (task.cancelling(scope) > 0) {
      task.cancels--;
      if (task.cancelling(scope) === 0) this.engine.takePending(scope, line);
    }
    note(String(task.cancelling(scope)));
  }

  /** R6: the runtime calls it, outside any task, with the variables that the task has at that time. */
  #timer(line: Line, ticks: Ticks, body: Body): void {
    const engine = this.engine;
    const { scope } = line;
    engine.at(engine.now + ticks, false, () => {
      engine.reach('callbacks');
      if (this.mutation === 'callback-is-a-line') {
        void this.start(this.#callee(line, body), body);
        return;
      }
      const callback = new Line(engine.clock, `f${body.id}`, null, null, line.group);
      const seen = line.variables ?? scope!.task.variables;
      callback.variables = this.mutation === 'callback-shares-variables' ? seen : { ...seen };
      this.start(callback, body);
    });
  }

  /** R7. */
  #setVariable(line: Line, value: string): void {
    const engine = this.engine;
    if (line.variables !== null) {
      line.variables.value = value;
      return;
    }
    const { task } = line.scope!;
    if (task.outcome !== null) engine.stop('R7: a line of a finished task sets a variable');
    const current = task.root.allWaits().filter((wait) => wait.began > task.root.stepped);
    if (current.length === 0 && !engine.lookedUp.has(task)) {
      task.variables.value = value;
      return;
    }
    if (current.some((wait) => [...wait.line.callers()].some((one) => one.isLoser)))
      engine.stop('R7: a loser of a race looks like a wait');
    if (engine.isOpen(task) && !engine.lookedUp.has(task))
      engine.stop('R7: a variable is set in the step in which another line has begun to wait');
    if (line.isFirstSegment && line.caller !== null)
      engine.stop('R7: a function sets a variable for itself before it has awaited');
    line.variables = { value };
  }

  /** A line that reads the aborted signal has received the request (R3). */
  #takeBySignal(scope: Scope, line: Line): boolean {
    const was = this.engine.takePending(scope, line);
    if (was) scope.signalSeenAt = this.engine.tick();
    return was;
  }

  #throwIfAborted(line: Line): void {
    const engine = this.engine;
    const { scope } = line;
    if (scope === null || scope.task.outcome !== null) engine.stop('currentSignal() outside a task');
    else if (this.#takeBySignal(scope, line)) throw new Thrown(CANCELLED);
    else if ([...scope.around()].some((one) => one.requests.length > 0))
      engine.stop('a signal that was aborted before');
  }
}

/** Whether a promise is that of a line, or of several with it. */
function isOf({ source }: Promised, line: Line): boolean {
  if (source.kind === 'line') return source.line === line;
  return source.kind === 'parts' && source.parts.some((part) => isOf(part, line));
}

function settled(engine: Engine): Promised {
  const promised = new Promised(engine, { kind: 'library' });
  promised.settle(OK);
  return promised;
}
