/** What the examples of docstrings take as given, by the names that they use. */

import { EventEmitter } from 'node:events';
import {
  Condition,
  ContextVar,
  type Coroutine,
  coroutine,
  createTask,
  ExceptionGroup,
  iterate,
  Lock,
  Queue,
  sleep,
  type Task,
  TimeoutError,
} from 'asyncio-ts';

/** Something to be done, by a date. */
export class Job {
  due = 0;
}

export const url = 'https://example.org/';
export const urls = [url, `${url}faq`, `${url}contact`];
export const site = 'https://example.org';
export const jobs = [new Job()];
export const user = new ContextVar<string>('user', { default: 'nobody' });
export const lock = new Lock();
export const condition = new Condition();
export const group = new ExceptionGroup('two downloads failed', [new TimeoutError('one'), new TimeoutError('two')]);

/** Takes errors, as the clients of monitoring services do. */
export const monitoring = { capture(_error: unknown, _message?: string): void {} };

/** Answers at once, so that no example needs a network. */
export const fetch: typeof globalThis.fetch = async () => new Response('{}');

export async function download(address: string): Promise<string> {
  await sleep(1);
  return `the page at ${address}`;
}

export async function cleanUp(): Promise<void> {
  await sleep(1);
}

export const commit = cleanUp;
export const setUp = cleanUp;
export const main = cleanUp;

export const fetchUser = coroutine(async (id: number) => {
  await sleep(1);
  return { id, name: 'ada' };
});

export const fetchPosts = coroutine(async (userId: number) => {
  await sleep(2);
  return [`a post of user ${userId}`];
});

export const reader = {
  *readline(): Coroutine<string> {
    yield* sleep(1);
    return 'a line';
  },
};

export const file = 'names.txt';
export const chunks = ['one', 'two'];

export async function* readLines(name: string): AsyncGenerator<string> {
  yield `the first line of ${name}`;
}

export function use(_item: unknown): void {}
export const index = use;

/** An emitter that emits each of its events once, as soon as the first of them has a listener. */
class Announcer extends EventEmitter {
  constructor(...events: readonly (readonly [name: string, ...args: unknown[]])[]) {
    super();
    this.on('newListener', (name) => {
      if (name !== events[0]![0]) return;
      setImmediate(() => {
        for (const [event, ...args] of events) this.emit(event, ...args);
      });
    });
  }

  listen(_port: number): void {}
}

/** The same of the web's kind: a message, and the end. */
class Channel extends EventTarget {
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    super.addEventListener(...args);
    if (args[0] !== 'message') return;
    setImmediate(() => {
      this.dispatchEvent(new MessageEvent('message', { data: 'hello' }));
      this.dispatchEvent(new Event('close'));
    });
  }
}

/** What each example needs a new one of: it belongs to a loop, or can be used once. */
export const fresh = {
  tasks: (): Task<string>[] => urls.map((address) => createTask(() => download(address))),
  queue: () => {
    const queue = new Queue<string>();
    queue.putNowait('an item');
    setTimeout(() => queue.shutdown(), 1_000);
    return queue;
  },
  items: () => iterate(urls),
  child: () => new Announcer(['exit', 0]),
  server: () => new Announcer(['listening']),
  lines: () => new Announcer(['line', 'a line'], ['close']),
  socket: () => new Channel(),
  port: () => new Channel(),
  response: () => ({ body: new Response('a page').body! }),
  stream: () => new WritableStream<string>(),
};
