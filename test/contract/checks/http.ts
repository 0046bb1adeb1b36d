import { allTasks, currentSignal, currentTask, run, sleep } from 'asyncio-ts';
import { drain, outgoing, taskHandler } from 'asyncio-ts/http';
import { equal, ok } from '../lib/expect.ts';
import { subject } from '../lib/registry.ts';

const { check: checkOutside } = subject('http');

/** A check inside a program: in a worker thread there is no other loop. */
function check(title: string, body: () => Promise<void>): void {
  checkOutside(title, () => run(body));
}

const get = (path: string, init: RequestInit = {}) => new Request(`http://localhost${path}`, init);

check('a request is a task with the name of its method and path, in both spellings', async () => {
  const asynchronous = taskHandler(async () => new Response(currentTask()?.getName()));
  equal(await (await asynchronous(get('/users/7?page=2'))).text(), 'GET /users/7');
  const generator = taskHandler(function* () {
    yield* sleep(0);
    return new Response(currentTask()?.getName());
  });
  equal(await (await generator(get('/g'))).text(), 'GET /g');
});

check('a request whose deadline passes is answered with 504, and its work is cancelled', async () => {
  let end = '';
  const handler = taskHandler(
    async () => {
      try {
        await sleep(60);
      } catch (error) {
        end = (error as Error).message;
        throw error;
      }
      return new Response();
    },
    { deadline: 0.01 },
  );
  equal((await handler(get('/slow'))).status, 504);
  await sleep(0);
  ok(end.startsWith('the deadline of GET /slow has passed'), end);
});

check('a client that leaves cancels its request', async () => {
  const client = new AbortController();
  let isAborted = false;
  const handler = taskHandler(async () => {
    currentSignal().addEventListener('abort', () => {
      isAborted = true;
    });
    await sleep(60);
    return new Response();
  });
  const answer = handler(get('/', { signal: client.signal }));
  await sleep(0.01);
  client.abort();
  equal((await answer).status, 499);
  equal(isAborted, true);
});

check('a stream belongs to its request until its body ends', async () => {
  let part = 0;
  const handler = taskHandler(async () => {
    const body = new ReadableStream({
      pull(controller) {
        if (part === 3) controller.close();
        else controller.enqueue(new TextEncoder().encode(`data: ${++part}\n\n`));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  });
  const response = await handler(get('/events'));
  const isUnderWay = (): boolean => [...allTasks()].some((task) => task.getName() === 'GET /events');
  equal(isUnderWay(), true);
  equal(await response.text(), 'data: 1\n\ndata: 2\n\ndata: 3\n\n');
  await sleep(0);
  equal(isUnderWay(), false);
});

check('requests are drained', async () => {
  const handler = taskHandler(async () => {
    equal(Object.keys(outgoing({ headers: { accept: 'text/plain' } }).headers), ['accept']);
    await sleep(0.01);
    return new Response('done');
  });
  const answer = handler(get('/quick'));
  const { cut } = await drain(null, 5);
  equal(cut, []);
  equal(await (await answer).text(), 'done');
});
