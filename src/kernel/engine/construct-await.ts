import { current, runAs } from './current.ts';
import { noteDelivered } from './delivered.ts';
import { contextOfLine, receivedAtAwait, receivedBy, takeOfferedIn } from './line.ts';
import { type Construct, NONE, type Reject, type Resolve, type Scope, type TaskRole } from './roles.ts';
import { noteBegan } from './scope.ts';

/**
 * An `await` of a construct around an async function: `await timeout(5, f)`. This is the most frequent use of
 * constructs, so it has neither a frame nor a `PendingAwait`. A request reaches the awaits of `f`, which are in the
 * scope of the construct.
 */
class BodyAwait {
  readonly construct: Construct;
  readonly task: TaskRole;
  /** The scope of the awaiting line; once the construct was entered, that of the construct. */
  scope: Scope;
  received: number;
  readonly resolve: Resolve;
  readonly reject: Reject;

  constructor(construct: Construct, scope: Scope, task: TaskRole, resolve: Resolve, reject: Reject) {
    this.construct = construct;
    this.task = task;
    this.scope = scope;
    this.received = receivedAtAwait(scope, task);
    this.resolve = resolve;
    this.reject = reject;
    noteBegan(scope);
  }
}

/** The await begins: the construct is entered, and the function called. */
export function beginConstruct(
  construct: Construct,
  scope: Scope,
  task: TaskRole,
  resolve: Resolve,
  reject: Reject,
): void {
  const wait = new BodyAwait(construct, scope, task, resolve, reject);
  runAs(task._loop, task, scope, contextOfLine(scope, task), current.loop === null, beginBody, wait, null, null);
}

function beginBody(wait: BodyAwait): void {
  const { task } = wait;
  let promise: PromiseLike<unknown>;
  try {
    promise = wait.construct._beginBody(task);
  } catch (error) {
    wait.reject(error); // the construct could not be entered, or its function has thrown
    return;
  }
  wait.scope = current.scope!;
  task._loop._step.open(task, wait.received, wait.scope);
  promise.then(
    (value) => bodySettled(wait, NONE, value),
    (error) => bodySettled(wait, error, undefined),
  );
}

/**
 * The function has settled: the construct is left within the same step, or in the next iteration if the function has
 * come back from a foreign promise. As `settled` in `follow.ts`.
 */
function bodySettled(wait: BodyAwait, error: unknown, value: unknown): void {
  const { _loop: loop } = wait.task;
  const { _step: step } = loop;
  const isOpen = step.task === wait.task;
  if (!isOpen && loop._isClosed) return;
  takeOfferedIn(wait.scope);
  // Requests that the function has received count for this line too.
  if (!isOpen || step.received > 0) wait.received = Math.max(wait.received, receivedBy(wait.scope));
  if (isOpen) endBody(wait, error, value);
  else loop._push({ _run: () => endBody(wait, error, value) });
}

function endBody(wait: BodyAwait, error: unknown, value: unknown): void {
  const { task, scope } = wait;
  runAs(task._loop, task, scope, contextOfLine(scope, task), false, leaveConstruct, wait, error, value);
}

function leaveConstruct(wait: BodyAwait, error: unknown, value: unknown): void {
  let result: unknown;
  try {
    result = wait.construct._endBody(error, value);
  } catch (failure) {
    wait.task._loop._step.open(wait.task, wait.received, current.scope);
    noteDelivered(failure);
    wait.reject(failure);
    return;
  }
  wait.task._loop._step.open(wait.task, wait.received, current.scope);
  wait.resolve(result as never);
}
