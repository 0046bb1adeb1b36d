import { context, type Link, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { textOf } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { addInstrument, type Instrument, type Task } from '../index.ts';
import { checkOptions } from '../internal/options.ts';
import { nameOfCoroutine, titleOf } from '../kernel/lowlevel.ts';
import { beginWith } from './context-manager.ts';

type AnyTask = Task<unknown>;

/** Options of `startTaskSpans`. */
export interface TaskSpanOptions {
  /** Makes the spans. Default: that of the global provider with the name `asyncio-ts`. */
  readonly tracer?: Tracer;
  /** Which tasks have a span: those that were given a name, all, or those that a function chooses. Default: `named`. */
  readonly tasks?: 'named' | 'all' | ((task: Task<unknown>) => boolean);
}

/**
 * Makes a span for each task from its making to its end, until the function that is returned is called.
 *
 * - The parent is the span that is active where the task is made. In the task its own span is active, with `AsyncioContextManager`.
 * - A link leads to the span of the task that made it, with the attribute `asyncio.link` = `spawn`.
 * - A task that fails has the status `ERROR`, and its error is recorded.
 * - A cancellation is no error: `cancel requested` and `cancellation delivered` are events of the span, and the attribute `asyncio.task.state`
 *   says `cancelled` at the end.
 *
 * A tracer that throws is reported, and ends it.
 *
 * @throws {TypeError} when an option is unknown or wrong
 * @example
 * const stop = startTaskSpans({ tasks: 'all' });
 * await createTask(main); // a span
 * stop();
 */
export function startTaskSpans(options: TaskSpanOptions = {}): () => void {
  checkOptions('startTaskSpans', options, ['tracer', 'tasks']);
  const { tasks = 'named', tracer = trace.getTracer('asyncio-ts') } = options;
  const choose = typeof tasks === 'function' ? tasks : CHOICES[tasks];
  if (choose === undefined) {
    throw typeError(`startTaskSpans: tasks must be 'named', 'all' or a function, got ${String(tasks)}`);
  }
  return addInstrument(new TaskSpans(tracer, choose));
}

/** Names that no program gave: numbers, and those of the tasks by which `run()` ends. */
const NOT_GIVEN = /^(?:Task-\d+|shutdownAsyncgens|shutdownDefaultExecutor)$/;

const CHOICES: Readonly<Record<string, (task: AnyTask) => boolean>> = {
  all: () => true,
  named: (task) => !NOT_GIVEN.test(task.getName()),
};

class TaskSpans implements Instrument {
  readonly #tracer: Tracer;
  readonly #choose: (task: AnyTask) => boolean;
  readonly #spans = new WeakMap<AnyTask, Span>();

  constructor(tracer: Tracer, choose: (task: AnyTask) => boolean) {
    this.#tracer = tracer;
    this.#choose = choose;
  }

  taskSpawned(task: AnyTask, parent: AnyTask | null): void {
    if (!this.#choose(task)) return;
    const outer = context.active();
    const span = this.#tracer.startSpan(
      titleOf(task),
      { attributes: attributesOf(task), links: this.#linksTo(parent) },
      outer,
    );
    this.#spans.set(task, span);
    beginWith(trace.setSpan(outer, span), task);
  }

  cancelRequested(task: AnyTask, by: AnyTask | null, message: unknown): void {
    this.#spans.get(task)?.addEvent('cancel requested', {
      ...(by === null ? {} : { 'asyncio.cancelled_by': titleOf(by) }),
      ...(message === undefined ? {} : { 'asyncio.cancel_message': textOf(message) }),
    });
  }

  cancelDelivered(task: AnyTask): void {
    this.#spans.get(task)?.addEvent('cancellation delivered');
  }

  taskFinished(task: AnyTask, failure: { readonly error: unknown } | null): void {
    const span = this.#spans.get(task);
    if (span === undefined) return;
    this.#spans.delete(task);
    span.setAttribute('asyncio.task.state', failure !== null ? 'failed' : task.cancelled() ? 'cancelled' : 'done');
    if (failure !== null) recordFailure(span, failure.error);
    span.end();
  }

  #linksTo(parent: AnyTask | null): Link[] {
    const span = parent === null ? undefined : this.#spans.get(parent);
    return span === undefined ? [] : [{ context: span.spanContext(), attributes: { 'asyncio.link': 'spawn' } }];
  }
}

function attributesOf(task: AnyTask): Record<string, string> {
  const coroutine = nameOfCoroutine(task);
  return { 'asyncio.task.name': task.getName(), ...(coroutine === '' ? {} : { 'code.function.name': coroutine }) };
}

/** A span fails, with an error that may be anything. */
export function recordFailure(span: Span, error: unknown): void {
  const text = error instanceof Error ? error.message : textOf(error);
  span.recordException(error instanceof Error ? error : text);
  span.setStatus({ code: SpanStatusCode.ERROR, message: text });
}
