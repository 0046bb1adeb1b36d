/** What the examples of docstrings take as given, by the names that they use. */

import {
  Condition,
  ContextVar,
  type Coroutine,
  coroutine,
  createTask,
  ExceptionGroup,
  Lock,
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
export const items = ['an item'];
export const user = new ContextVar<string>('user', { default: 'nobody' });
export const lock = new Lock();
export const condition = new Condition();
export const group = new ExceptionGroup('two downloads failed', [new TimeoutError('one'), new TimeoutError('two')]);

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

/** The tasks of an example that takes `tasks` as given. */
export function startTasks(): Task<string>[] {
  return urls.map((address) => createTask(() => download(address)));
}
