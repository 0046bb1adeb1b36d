/** The constructs of the library, on the model: each is CPython's, where scopes are asked instead of tasks. */
import type { Engine } from './engine.ts';
import { Future, type Task } from './futures.ts';
import { CANCELLED, type Failure, isCancellation, type Mutation, OK, type Outcome } from './outcome.ts';
import type { Body, Limited, Ticks, Wait } from './program.ts';
import type { Promised } from './promises.ts';
import { type Group, Line, Scope, type Variables } from './scopes.ts';

/** A failure that a generator of the interpreter throws. */
export class Thrown {
  readonly failure: Failure;
  constructor(failure: Failure) {
    this.failure = failure;
  }
}

/** Something to await. `begin`: the engine's call of `then`, for what the library made. `line`: who runs it. */
export interface Awaited {
  readonly promised: Promised;
  readonly begin: ((isDirect?: boolean) => void) | null;
  readonly line: Line | null;
}

/** What the constructs need of the interpreter. */
export interface Interpreter {
  readonly engine: Engine;
  readonly mutation: Mutation | null;
  /** Calls a function. */
  start(line: Line, body: Body): Promised;
  /** What an `await` has on its right. */
  begin(line: Line, wait: Wait, by: Line): Awaited | null;
  task(name: string, variables: Variables, begin: (task: Task) => void, watched: string | null): Task;
  variablesOf(line: Line): Variables;
  isGenerator(body: Body): boolean;
}

/** R1, R2, R3, R9. */
export function runTimeout(
  model: Interpreter,
  by: Line,
  outer: Scope,
  when: Ticks,
  limited: Limited,
  settle: (outcome: Outcome) => void,
): void {
  const engine = model.engine;
  const { task } = outer;
  if (!by.isFrames) engine.begin(outer);
  const scope = new Scope(outer, task);
  const requestsAtEntry = task.requestsTo(scope);
  const bornAt = scope.began;
  const isGenerator = 'body' in limited && model.isGenerator(limited.body);
  const name = 'body' in limited ? `f${limited.body.id}` : by.name;
  const line = new Line(engine.clock, name, by, scope, by.group, isGenerator);
  line.isPlain = 'plain' in limited;
  line.kind = 'body';
  scope.owner = by;
  let hasExpired = false;
  let isLeft = false;
  const takeBack = engine.at(when, true, () => {
    hasExpired = true;
    engine.cancelOwn(scope);
  });
  const exit = (outcome: Outcome): void => {
    if (isLeft) return;
    by.goOnFrom(line);
    line.handOverAsked();
    if (outcome.failure !== null && isCancellation(outcome.failure)) by.hear();
    isLeft = true;
    scope.leave = null;
    takeBack();
    const isUndelivered =
      scope.pending !== scope.again && engine.waitsFor(scope, line) && model.mutation !== 'late-is-success';
    const { own } = scope;
    scope.own = 0;
    const isOurs = hasExpired && task.requestsTo(scope) <= requestsAtEntry;
    if (own > 0) task.settleAccounts();
    let result = outcome;
    if (isOurs && outcome.failure !== null && isCancellation(outcome.failure, model.mutation))
      result = { failure: { name: 'TimeoutError' } };
    else if (isOurs && outcome.failure === null && isUndelivered) result = { failure: { name: 'TimeoutError' } };
    engine.leaveScope(scope, result.failure !== null);
    settle(result);
  };
  if ('body' in limited) {
    model.start(line, limited.body).then((outcome) => engine.goOn(task, () => exit(outcome)));
    return;
  }
  const awaited = model.begin(line, limited.plain, line);
  if (awaited === null) {
    engine.stop('a body without anything to await');
    return;
  }
  awaited.begin?.(true); // frames of the library go on in it without a promise between
  awaited.promised.then((outcome) => engine.goOn(task, () => exit(outcome)));
  if (awaited.begin !== null) return; // made by the library: awaited as such
  line.at = awaited.promised;
  if (model.mutation === 'foreign-is-waited-for') return;
  if ([...scope.around()].some((one) => one.pending !== null))
    engine.stop('R9: a plain body begins while a request waits for an await');
  scope.leave = () => {
    if (isLeft || scope.began > bornAt || awaited.promised.outcome !== null) return false;
    scope.isLeft = true;
    engine.soon(() => {
      engine.step(scope);
      exit({ failure: CANCELLED });
    });
    return true;
  };
}

/** CPython's task group, which asks its scope where that one asks its task. */
export function runGroup(
  model: Interpreter,
  by: Line,
  outer: Scope,
  body: Body,
  settle: (outcome: Outcome) => void,
): void {
  const engine = model.engine;
  const parent = outer.task;
  if (!by.isFrames) engine.begin(outer);
  const scope = new Scope(outer, parent);
  const requestsAtEntry = parent.requestsTo(scope);
  // The line gets it as one error with the group's own request, and it must not be lost with that.
  const wasPending = [...scope.around()].some((around) => engine.waitsFor(around, by));
  const tasks = new Set<Task>();
  const failures: Failure[] = [];
  let isAborting = false;
  let hasAsked = false;
  let wasCancelled = false;
  let state: 'open' | 'closing' | 'finished' = 'open';
  let allDone: Future | null = null;
  let cameMeanwhile = false;

  const abort = (): void => {
    isAborting = true;
    for (const task of tasks) if (task.outcome === null) task.cancel();
  };
  const ask = (): void => {
    if (hasAsked) return;
    hasAsked = true;
    engine.cancelOwn(scope);
  };
  const onDone = (task: Task): void => {
    tasks.delete(task);
    if (allDone !== null && tasks.size === 0) allDone.settle(OK);
    const { failure } = task.outcome!;
    if (task.isCancelled || failure === null) return;
    failures.push(failure);
    if (parent.outcome !== null) return;
    if (!isAborting && !hasAsked) {
      abort();
      ask();
    }
  };
  const group: Group = {
    createTask: (name, begin) => {
      if (state === 'finished' || (state === 'closing' && tasks.size === 0) || isAborting)
        throw new Thrown({ name: 'RuntimeError' });
      const task = model.task(name, model.variablesOf(engine.running!), begin, name);
      tasks.add(task);
      task.followers.push(() => true);
      task.onDone(() => onDone(task));
      return task;
    },
    cancel: () => {
      if (state === 'finished' || (state === 'closing' && tasks.size === 0)) return;
      wasCancelled = true;
      if (!isAborting) abort();
      ask();
    },
  };
  const finish = (error: Failure | null, cancelled: boolean): void => {
    state = 'finished';
    let cancellation = cancelled;
    scope.own = 0;
    parent.settleAccounts();
    const others = parent.requestsTo(scope);
    if (hasAsked) {
      if (others === 0 || (wasCancelled && !wasPending && others <= requestsAtEntry)) cancellation = false;
      else if (!cancellation && wasCancelled) cancellation = cameMeanwhile;
    }
    const isFailed = error !== null || isAborting;
    engine.leaveScope(scope, isFailed);
    if (cancellation && failures.length === 0) {
      settle({ failure: CANCELLED });
      return;
    }
    if (error !== null && !isCancellation(error, model.mutation)) failures.push(error);
    if (failures.length > 0) {
      if (others > 0) deliverAgain();
      settle({ failure: { name: 'ExceptionGroup', parts: failures } });
    } else settle(OK);
  };
  /** It was cancelled from outside as well, and throws its failures: the outer request is thrown at the next await. */
  const deliverAgain = (): void => {
    for (const asked of [...scope.around()].slice(1)) {
      const hasAsked = asked.own > 0 || (asked === parent.root && parent.cancels > 0);
      // The body of a task may be over while its lines still clean up.
      const isOver = asked === parent.root ? parent.outcome !== null : asked.isOver;
      if (!hasAsked || isOver || engine.waitsFor(asked, by)) continue;
      asked.again = asked.pending = {
        scope: asked,
        askedBy: null,
        bySignal: false,
        at: asked.requests.at(-1)?.at ?? 0,
      };
    }
  };
  const waitForTasks = (error: Failure | null, cancelled: boolean): void => {
    if (tasks.size === 0) {
      finish(error, cancelled);
      return;
    }
    engine.checkMissed(by, scope);
    allDone = new Future(engine, false);
    engine.wait(by, scope, allDone, engine.resumed, true, (outcome) => {
      allDone = null;
      let isCancelled = cancelled;
      if (outcome.failure !== null) {
        cameMeanwhile = true;
        if (!isAborting) {
          isCancelled = true;
          abort();
        }
      }
      waitForTasks(error, isCancelled);
    });
  };
  const line = new Line(engine.clock, `f${body.id}`, by, scope, group, model.isGenerator(body));
  line.kind = 'body';
  model.start(line, body).then(({ failure }) => {
    engine.goOn(parent, () => {
      by.goOnFrom(line);
      line.handOverAsked();
      if (failure !== null && isCancellation(failure)) by.hear();
      state = 'closing';
      if (failure !== null && !isAborting) abort();
      waitForTasks(failure, failure !== null && isCancellation(failure, model.mutation));
    });
  });
}

export function shield(model: Interpreter, inner: Task): Future {
  const engine = model.engine;
  if (inner.outcome !== null) return inner;
  const outer = new Future(engine, false);
  inner.followers.push(() => outer.outcome === null);
  inner.onDone(() => {
    if (inner.isCancelled) outer.cancel();
    else outer.settle(inner.outcome!);
  });
  return outer;
}

export function gather(model: Interpreter, children: readonly Task[]): Future {
  const engine = model.engine;
  let isAsked = false;
  let left = children.length;
  class Gathering extends Future {
    override cancel(): boolean {
      if (this.outcome !== null) return false;
      let isCancelled = false;
      for (const child of children) if (child.cancel()) isCancelled = true;
      if (isCancelled) isAsked = true;
      return isCancelled;
    }
  }
  const outer = new Gathering(engine, true);
  for (const child of children) {
    child.followers.push(() => true); // also when another child has failed
    child.onDone(() => {
      left--;
      if (child.outcome!.failure !== null) outer.settle(child.outcome!);
      else if (left === 0) outer.settle(isAsked ? { failure: CANCELLED } : OK);
    });
  }
  return outer;
}
