import { context, type Span, type SpanOptions, type Tracer, trace } from '@opentelemetry/api';
import { isCancelledError, unwrapCancellation } from '../errors/errors.ts';
import { type Coroutine, coroutine, iscoroutine } from '../index.ts';
import { isGenerator, isThenable } from './kinds.ts';
import { recordFailure } from './task-spans.ts';

/** Options of `inSpan`: those of a span, and who makes it. */
export interface InSpanOptions extends SpanOptions {
  /** Makes the span. Default: that of the global provider with the name `asyncio-ts`. */
  readonly tracer?: Tracer;
}

/**
 * Calls a function in a span that ends when the function does: for async functions and generator coroutines when they have ended, not when they
 * were called. The span is a child of the active one, and active in the function. An error is recorded, and thrown on; a cancellation
 * is an event of the span.
 *
 * Cancellation: passes through unchanged.
 *
 * @param body is called with the span
 * @returns what the function returns: `yield*` or `await` it as you would without the span
 * @example
 * const ada = await inSpan('load user', async () => await fetchUser(1));
 * const load = function* () {
 *   return yield* inSpan('load user', function* () { return yield* fetchUser(1); });
 * };
 * console.log(ada.name, (await createTask(load)).name); // ada ada
 */
export function inSpan<R>(name: string, body: (span: Span) => R, options: InSpanOptions = {}): R {
  const { tracer = trace.getTracer('asyncio-ts'), ...ofSpan } = options;
  const outer = context.active();
  const span = tracer.startSpan(name, ofSpan, outer);
  let result: R;
  try {
    result = context.with(trace.setSpan(outer, span), body as (span: Span) => R, undefined, span) as R;
  } catch (error) {
    fail(span, error);
    throw error;
  }
  if (isGenerator(result)) return spanning(span, result as Coroutine<unknown>) as R;
  if (iscoroutine(result)) return spanningObject(span, result) as R;
  if (isThenable(result)) {
    return result.then(
      (value: unknown) => {
        span.end();
        return value;
      },
      (error: unknown) => {
        fail(span, error);
        throw error;
      },
    ) as R;
  }
  span.end();
  return result;
}

function fail(span: Span, error: unknown): void {
  if (isCancelledError(unwrapCancellation(error))) span.addEvent('cancelled');
  else recordFailure(span, error);
  span.end();
}

function* spanning(span: Span, body: Coroutine<unknown>): Generator<unknown, unknown, unknown> {
  let result: unknown;
  try {
    result = yield* body;
  } catch (error) {
    fail(span, error);
    throw error;
  }
  span.end();
  return result;
}

/** As above, of what can be awaited as well. */
const spanningObject = /* @__PURE__ */ coroutine(spanning);
