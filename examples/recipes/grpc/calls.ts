import { type Client, type handleUnaryCall, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { ContextVar, createTask, TimeoutError, timeout, wrapPromise } from 'asyncio-ts';

/** The deadline of the call that is being answered, in milliseconds since 1970. */
const due = new ContextVar<number>('due', { default: Number.POSITIVE_INFINITY });

/** Calls a method. Its deadline is that of the call that is being answered, or `seconds` from now, whichever comes first. */
export async function call<Q, R>(
  client: Client,
  method: MethodDefinition<Q, R>,
  request: Q,
  seconds = Number.POSITIVE_INFINITY,
): Promise<R> {
  const { promise, resolve, reject } = Promise.withResolvers<R>();
  const running = client.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    { deadline: Math.min(due.get(), Date.now() + seconds * 1_000) },
    (error, value) => (error === null ? resolve(value!) : reject(asTimeout(error))),
  );
  return await wrapPromise(promise, { onCancel: () => running.cancel() }); // the server is told, and ends its task
}

/** Answers a method. The work is a task: it ends at the deadline of the call, and when the client cancels it or leaves. */
export function answer<Q, R>(work: (request: Q) => Promise<R>): handleUnaryCall<Q, R> {
  return (asked, reply) => {
    const deadline = Number(asked.getDeadline()); // a date, or infinite
    const left = Math.max(0, (deadline - Date.now()) / 1_000);
    const task = createTask(
      () =>
        timeout(Number.isFinite(left) ? left : null, async () => {
          due.set(deadline);
          return await work(asked.request);
        }),
      { name: asked.getPath() },
    );
    asked.on('cancelled', () => {
      if (task.cancelling() === 0) task.cancel('the client has left'); // a second request would interrupt its clean-up
    });
    task.addDoneCallback(() => {
      const error = task.cancelled() ? { code: status.CANCELLED, message: 'cancelled' } : task.exception();
      if (error === null) reply(null, task.result());
      else if (error instanceof TimeoutError) reply({ code: status.DEADLINE_EXCEEDED, message: error.message });
      else reply(error as ServiceError);
    });
  };
}

function asTimeout(error: ServiceError): Error {
  return error.code === status.DEADLINE_EXCEEDED ? new TimeoutError(error.details, { cause: error }) : error;
}
