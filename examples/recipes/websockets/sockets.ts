import type { IncomingMessage } from 'node:http';
import { CancelledError, createTask, type EventIterator, on, once, type Task, wait, wrapPromise } from 'asyncio-ts';
import { type MessageEvent, WebSocket, type WebSocketServer } from 'ws';

export type Messages = EventIterator<MessageEvent>;
export type Handler = (socket: WebSocket, messages: Messages, request: IncomingMessage) => Promise<unknown>;

/** Makes a task of each connection, which is cancelled when the client leaves. Returns the set of the tasks that run. */
export function serveSockets(server: WebSocketServer, handler: Handler): ReadonlySet<Task<unknown>> {
  const tasks = new Set<Task<unknown>>();
  server.on('connection', (socket, request) => {
    const messages = messagesOf(socket); // now: the task begins in the next turn of the loop, and a message may come before
    const serve = async (): Promise<void> => {
      try {
        await handler(socket, messages, request);
        socket.close(1000);
      } catch (error) {
        if (error instanceof CancelledError) socket.close(1001, 'the server goes away');
        else socket.close(1011, 'something went wrong');
        throw error;
      }
    };
    const task = createTask(serve, { name: `WebSocket ${request.url}` });
    tasks.add(task);
    task.addDoneCallback(() => tasks.delete(task));
    socket.on('error', () => {}); // a close follows
    socket.on('close', () => cancelOnce(task, 'the client has left'));
  });
  return tasks;
}

/** For the end of the server: cancels the tasks, waits for their clean-up, and cuts off clients that do not answer the close in time. */
export async function closeSockets(
  server: WebSocketServer,
  tasks: ReadonlySet<Task<unknown>>,
  seconds: number,
): Promise<void> {
  server.close();
  const closed = [...server.clients].map((client) => once(client, 'close'));
  for (const task of tasks) cancelOnce(task, 'the server goes away');
  const all = [...tasks, ...closed];
  if (all.length > 0) await wait(all, { timeout: seconds });
  for (const client of server.clients) client.terminate();
}

/** A second request would interrupt the clean-up. */
function cancelOnce(task: Task<unknown>, why: string): void {
  if (task.cancelling() === 0) task.cancel(why);
}

/** Calls `body` with a connection to a server. The connection is closed at the end of the body, and cut off when the body fails. */
export async function withSocket<T>(
  url: string,
  body: (socket: WebSocket, messages: Messages) => PromiseLike<T>,
): Promise<T> {
  const socket = new WebSocket(url);
  const messages = messagesOf(socket);
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.on('error', reject); // a close follows, so nothing is lost when it comes later
  });
  try {
    await wrapPromise(opened);
    const result = await body(socket, messages);
    socket.close(1000);
    return result;
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

/** Waits until a message has been handed to the system, so that a slow reader makes the sender wait. */
export async function send(socket: WebSocket, data: string | Uint8Array): Promise<void> {
  await wrapPromise(
    new Promise<void>((resolve, reject) => {
      socket.send(data, (error) => (error ? reject(error) : resolve()));
    }),
  );
}

/** A socket of `ws` is an emitter and an event target. The library takes it as an event target, so that messages are events, as in browsers. */
function messagesOf(socket: WebSocket): Messages {
  return on<MessageEvent>(socket, 'message', { close: ['close'] });
}
