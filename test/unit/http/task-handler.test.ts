import { allTasks, ContextVar, currentSignal, currentTask, getRunningLoop, sleep, timeout } from 'asyncio-ts';
import { outgoing, type RequestOptions, taskHandler } from 'asyncio-ts/http';
import { runVirtual } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { muteLog } from '../../support/loops.ts';

/** A test in simulated time that leaves no task and no timer behind. */
function served(main: () => Promise<void>): () => Promise<void> {
  return () => runVirtual(main, { failOnLeaks: true, failOnUnretrieved: true });
}

const get = (path: string, init: RequestInit = {}) => new Request(`http://localhost${path}`, init);
const now = () => getRunningLoop().time();

/** A handler that answers with the path after so many seconds, and a log of how its requests ended. */
function slow(seconds: number, options: RequestOptions = {}) {
  const log: string[] = [];
  const handler = taskHandler(async (request: Request) => {
    const { pathname } = new URL(request.url);
    try {
      await sleep(seconds);
      log.push(`${pathname} done`);
      return new Response(pathname);
    } catch (error) {
      log.push(`${pathname} ${(error as Error).message}`);
      throw error;
    }
  }, options);
  return { handler, log };
}

describe('a request', () => {
  test(
    'is a task with the name of its method and path',
    served(async () => {
      const handler = taskHandler(async () => new Response(currentTask()!.getName()));
      expect(await (await handler(get('/users/7?page=2'))).text()).toBe('GET /users/7');
      expect(await (await handler(get('', { method: 'DELETE' }))).text()).toBe('DELETE /');
    }),
  );

  test(
    'has context variables of its own',
    served(async () => {
      const user = new ContextVar('user', { default: 'nobody' });
      const handler = taskHandler(async (request: Request) => {
        const before = user.get();
        user.set(new URL(request.url).pathname);
        await sleep(1);
        return new Response(`${before} ${user.get()}`);
      });
      const [a, b] = await Promise.all([handler(get('/a')), handler(get('/b'))]);
      expect(await a.text()).toBe('nobody /a');
      expect(await b.text()).toBe('nobody /b');
    }),
  );

  test(
    'may be served by a generator function, and by a function that returns a response',
    served(async () => {
      const generator = taskHandler(function* (request: Request) {
        yield* sleep(1);
        return new Response(`${currentTask()!.getName()} ${new URL(request.url).pathname}`);
      });
      expect(await (await generator(get('/g'))).text()).toBe('GET /g /g');
      expect(await (await taskHandler(() => new Response('plain'))(get('/'))).text()).toBe('plain');
    }),
  );

  test(
    'passes on whatever else the server gives',
    served(async () => {
      const handler = taskHandler(
        async (_request: Request, env: { name: string }, n: number) => new Response(env.name + n),
      );
      expect(await (await handler(get('/'), { name: 'ada' }, 7)).text()).toBe('ada7');
    }),
  );

  test(
    'that fails rejects as it did',
    served(async () => {
      const handler = taskHandler(async () => {
        await sleep(1);
        throw new RangeError('of the handler');
      });
      await expect(handler(get('/'))).rejects.toThrow(new RangeError('of the handler'));
    }),
  );
});

describe('what a handler returns', () => {
  test(
    'may be nothing, as in Bun when the request has become a WebSocket',
    served(async () => {
      const handler = taskHandler(async (_request: Request): Promise<Response> => undefined as never);
      expect(await handler(get('/'))).toBe(undefined);
    }),
  );

  test(
    'may be a stream that nobody reads, because the request is a HEAD',
    served(async () => {
      const body = new ReadableStream();
      const handler = taskHandler(async (_request: Request) => new Response(body as never));
      expect((await handler(get('/', { method: 'HEAD' }))).status).toBe(200);
      await sleep(0);
      expect([...allTasks()].map((task) => task.getName())).not.toContain('HEAD /');
    }),
  );
});

describe('a client that leaves', () => {
  test(
    'cancels its request, and no other',
    served(async () => {
      const { handler, log } = slow(10);
      const client = new AbortController();
      const left = handler(get('/left', { signal: client.signal }));
      const other = handler(get('/other'));
      await sleep(1);
      client.abort();
      expect((await left).status).toBe(499);
      expect(now()).toBe(1);
      expect((await other).status).toBe(200);
      expect(log).toEqual(['/left the client of GET /left has left', '/other done']);
    }),
  );

  test(
    'that has left before is not served',
    served(async () => {
      const { handler, log } = slow(10);
      expect((await handler(get('/left', { signal: AbortSignal.abort() }))).status).toBe(499);
      expect(log).toEqual([]);
    }),
  );
});

describe('a deadline', () => {
  test(
    'answers with 504, and cancels the work',
    served(async () => {
      const { handler, log } = slow(60, { deadline: { seconds: 30 } });
      expect((await handler(get('/'))).status).toBe(504);
      expect(now()).toBe(30);
      await sleep(0);
      expect(log).toEqual(['/ the deadline of GET / has passed: its response had to begin within 30 s']);
    }),
  );

  test.each([
    ['x-request-timeout-ms', '1500', 1.5],
    ['x-request-timeout-ms', '90000', 30],
    ['x-request-timeout-ms', '-5', 30],
    ['x-request-timeout-ms', '1e3', 30],
    ['x-request-timeout-ms', 'soon', 30],
    ['x-request-timeout-ms', '99999999999999999999', 30],
    ['connect-timeout-ms', '250', 0.25],
    ['grpc-timeout', '2S', 2],
    ['grpc-timeout', '200m', 0.2],
    ['grpc-timeout', '1H', 30],
    ['grpc-timeout', '5', 30],
    ['another-header', '5', 30],
  ])('of the header %s: %s ends the request after %d s, when 30 s are allowed', async (name, value, seconds) => {
    await served(async () => {
      const header = ['x-request-timeout-ms', 'connect-timeout-ms', 'grpc-timeout'];
      const { handler } = slow(60, { deadline: 30, header });
      expect((await handler(get('/', { headers: { [name]: value } }))).status).toBe(504);
      expect(now()).toBe(seconds);
    })();
  });

  test(
    'answers at once when the work waits for a promise that nothing can end',
    served(async () => {
      let finish = (): void => {};
      const handler = taskHandler(
        async () => {
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
          return new Response('too late');
        },
        { deadline: 5 },
      );
      expect((await handler(get('/'))).status).toBe(504);
      expect(now()).toBe(5);
      finish();
    }),
  );

  test(
    'aborts the signal of the work',
    served(async () => {
      let reason: unknown;
      const handler = taskHandler(
        async () => {
          const signal = currentSignal()!;
          await new Promise<void>((resolve) => {
            signal.addEventListener('abort', () => resolve());
          });
          reason = signal.reason;
          return new Response();
        },
        { deadline: 5 },
      );
      expect((await handler(get('/'))).status).toBe(504);
      await sleep(0);
      expect(String(reason)).toContain('the deadline of GET / has passed');
    }),
  );

  test(
    'stays 504 when a framework turns the cancellation into an answer, which debug mode reports',
    served(async () => {
      const warn = muteLog('warn');
      getRunningLoop().setDebug(true);
      const handler = taskHandler(
        async () => {
          try {
            await sleep(60);
          } catch {}
          return new Response('Internal Server Error', { status: 500 });
        },
        { deadline: 5 },
      );
      expect((await handler(get('/report'))).status).toBe(504);
      await sleep(0);
      getRunningLoop().setDebug(false);
      expect(warn.mock.calls.flat().join()).toMatch(
        /GET \/report was cancelled at its deadline and went on all the same; the client has got 504/,
      );
    }),
  );

  test(
    'gives up the body of a response that comes too late, so that what it holds is free again',
    served(async () => {
      const cancelled: unknown[] = [];
      const body = new ReadableStream({ cancel: (reason) => void cancelled.push((reason as Error).message) });
      const handler = taskHandler(
        async () => {
          try {
            await sleep(60);
          } catch {}
          return new Response(body as never);
        },
        { deadline: 5 },
      );
      muteLog('warn');
      expect((await handler(get('/late'))).status).toBe(504);
      await sleep(0);
      expect(cancelled).toEqual(['GET /late was answered before this response came']);
    }),
  );

  test(
    'does not hide the error of a clean-up that fails after it',
    served(async () => {
      const loop = getRunningLoop();
      const reported: string[] = [];
      loop.setExceptionHandler((_loop, { message, exception }) => reported.push(`${message}: ${exception}`));
      const handler = taskHandler(
        async () => {
          try {
            return await sleep(60, new Response());
          } catch {
            throw new RangeError('the rollback has failed');
          }
        },
        { deadline: 5 },
      );
      expect((await handler(get('/late'))).status).toBe(504);
      await sleep(1);
      loop.setExceptionHandler(null);
      expect(reported).toEqual(['GET /late failed after it was cancelled: RangeError: the rollback has failed']);
    }),
  );

  test(
    'leaves a late response alone whose body somebody else reads',
    served(async () => {
      const body = new ReadableStream({ start: (controller) => controller.enqueue('part') });
      const reader = body.getReader();
      const handler = taskHandler(
        async () => {
          try {
            await sleep(60);
          } catch {}
          return { status: 200, headers: new Headers(), body } as never as Response;
        },
        { deadline: 5 },
      );
      muteLog('warn');
      expect((await handler(get('/late'))).status).toBe(504);
      await sleep(0);
      expect(await reader.read()).toEqual({ done: false, value: 'part' });
    }),
  );

  test(
    'of a construct inside the handler is 504 as well',
    served(async () => {
      const handler = taskHandler(async () => timeout(2, async () => sleep(60, new Response())));
      const response = await handler(get('/'));
      expect([response.status, await response.text()]).toEqual([504, 'timed out after 2 s\n']);
    }),
  );
});

describe('a limit', () => {
  test(
    'lets so many run and so many wait; others are told when to come again',
    served(async () => {
      const { handler } = slow(1, { limit: 2, queue: 1, retryAfter: 7 });
      const answers = await Promise.all(['/a', '/b', '/c', '/d'].map((path) => handler(get(path))));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 503]);
      expect(answers[3]!.headers.get('retry-after')).toBe('7');
      expect(now()).toBe(2);
      expect((await handler(get('/e'))).status).toBe(200);
    }),
  );

  test(
    'gives the place of a request that has left the queue to the next',
    served(async () => {
      const { handler, log } = slow(1, { limit: 1, queue: 2 });
      const client = new AbortController();
      const first = handler(get('/a'));
      const second = handler(get('/b', { signal: client.signal }));
      const third = handler(get('/c'));
      await sleep(0.5);
      client.abort();
      expect((await second).status).toBe(499);
      const fourth = handler(get('/d'));
      expect((await Promise.all([first, third, fourth])).map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(log).toEqual(['/a done', '/c done', '/d done']);
    }),
  );

  test(
    'keeps its places when a client has left before its request came to the queue',
    served(async () => {
      const { handler } = slow(1, { limit: 1, queue: 1 });
      const first = handler(get('/a'));
      expect((await handler(get('/b', { signal: AbortSignal.abort() }))).status).toBe(499);
      expect((await first).status).toBe(200);
      await sleep(1);
      const next = await Promise.all([handler(get('/c')), handler(get('/d'))]);
      expect(next.map(({ status }) => status)).toEqual([200, 200]);
    }),
  );

  test.each([2, 4, 16])(
    'keeps the latency of what is accepted, and the answers per second, when %d times as many come as can be served',
    async (times) => {
      await served(async () => {
        const { handler } = slow(1, { limit: 10, queue: 10 });
        const latencies: number[] = [];
        let refusedAfter = 0;
        const ask = async (): Promise<void> => {
          const came = now();
          const { status } = await handler(get('/'));
          if (status === 200) latencies.push(now() - came);
          else refusedAfter = Math.max(refusedAfter, now() - came);
        };
        const asked: Promise<void>[] = [];
        const seconds = 50;
        for (let i = 0; i < 10 * times * seconds; i++) {
          asked.push(ask());
          await sleep(1 / (10 * times));
        }
        await Promise.all(asked);
        expect(Math.max(...latencies)).toBeLessThan(2.001); // its turn in the queue, and its own second
        expect(refusedAfter).toBe(0);
        const capacity = 10 * seconds + 10; // and what waited at the end
        expect(Math.abs(latencies.length - capacity)).toBeLessThanOrEqual(10);
      })();
    },
  );

  test(
    'counts the time in the queue for the deadline',
    served(async () => {
      const { handler } = slow(3, { limit: 1, queue: 1, deadline: 4 });
      const [first, second] = await Promise.all([handler(get('/a')), handler(get('/b'))]);
      expect([first.status, second.status, now()]).toEqual([200, 504, 4]);
    }),
  );
});

describe('a response that streams', () => {
  const streaming = (log: string[], parts = 3) =>
    taskHandler(async () => {
      let part = 0;
      const body = new ReadableStream<string>({
        async pull(controller) {
          if (part === parts) controller.close();
          else controller.enqueue(`data: ${++part}\n\n`);
        },
        cancel(reason) {
          log.push(`cancelled: ${(reason as Error | undefined)?.message}`);
        },
      });
      return new Response(body as never, { headers: { 'content-type': 'text/event-stream' } });
    });
  const names = () => [...allTasks()].map((task) => task.getName()).filter((name) => name.startsWith('GET'));

  test(
    'stays in its task until its body ends',
    served(async () => {
      const response = await streaming([])(get('/events'));
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      expect(names()).toEqual(['GET /events']);
      const reader = response.body!.getReader();
      const parts: unknown[] = [];
      for (let read = await reader.read(); !read.done; read = await reader.read()) parts.push(read.value);
      await sleep(0);
      expect(parts).toEqual(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']);
      expect(names()).toEqual([]);
    }),
  );

  test(
    'is ended when the client leaves',
    served(async () => {
      const log: string[] = [];
      const response = await streaming(log)(get('/events'));
      await response.body!.cancel(new Error('gone'));
      await sleep(0);
      expect(log).toEqual(['cancelled: gone']);
      expect(names()).toEqual([]);
    }),
  );

  test(
    'is ended when its task is cancelled',
    served(async () => {
      const log: string[] = [];
      const response = await streaming(log, 100)(get('/events'));
      const reader = response.body!.getReader();
      await reader.read();
      for (const task of allTasks()) if (task.getName() === 'GET /events') task.cancel();
      await sleep(0);
      await expect(reader.read()).rejects.toThrow('GET /events was cancelled');
      expect(log).toEqual(['cancelled: GET /events was cancelled']);
    }),
  );
});

describe('the arguments of taskHandler', () => {
  test.each([
    [() => {}, { header: 'x timeout' }, "taskHandler: header must be a name that HTTP allows, got 'x timeout'"],
    [undefined, {}, 'taskHandler: a function (request) => response is required, got undefined'],
    [() => {}, { limit: 0 }, 'taskHandler: limit must be a whole number of at least 1, got 0'],
    [() => {}, { limit: 1.5 }, 'taskHandler: limit must be a whole number of at least 1, got 1.5'],
    [() => {}, { queue: -1 }, 'taskHandler: queue must be a whole number of at least 0, got -1'],
    [() => {}, { limit: '5' }, "taskHandler: limit must be a number, got '5'"],
    [() => {}, { header: 7 }, 'taskHandler: header is a name of a header or a list of names, got 7'],
    [() => {}, { deadline: 'soon' }, /deadline/],
    [() => {}, { timeout: 5 }, /there is no option 'timeout'/],
  ])('are checked: %o, %o', (handler, options, message) => {
    expect(() => taskHandler(handler as never, options as never)).toThrow(message);
  });
});

describe('what is left of the time', () => {
  /** The header that a request inside of two timeouts is given, in both spellings. */
  async function told(options: RequestOptions, inner: number): Promise<unknown[]> {
    const header = (): Response => Response.json(outgoing().headers['x-request-timeout-ms'] ?? null);
    const handlers = [
      taskHandler(async (_request: Request) => timeout(9, () => timeout(inner, async () => header())), options),
      taskHandler(function* (_request: Request) {
        return yield* timeout(9, function* () {
          yield* sleep(0);
          return yield* timeout(inner, function* () {
            yield* sleep(0);
            return header();
          });
        });
      }, options),
    ];
    return Promise.all(handlers.map(async (handler) => (await handler(get('/'))).json()));
  }

  test(
    'is that of the shortest timeout around the call, where that ends before the request',
    served(async () => {
      expect(await told({ deadline: 30 }, 2)).toEqual(['2000', '2000']);
      expect(await told({ deadline: 30 }, 20)).toEqual(['9000', '9000']);
      expect(await told({}, 2)).toEqual(['2000', '2000']);
    }),
  );

  test(
    'is that of the request, where that ends first',
    served(async () => {
      expect(await told({ deadline: 1 }, 2)).toEqual(['1000', '1000']);
    }),
  );
});
