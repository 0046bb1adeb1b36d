// A request handler is called by the server, not by the task that made the server. Its timeouts end the request, and
// its context variables are its own; the task that waits beside it goes on.
import http from 'node:http';
import { check, core, done, hangs } from '../lib.mjs';

const { ContextVar, currentTask, run, sleep, timeout } = core;

const requestId = new ContextVar('requestId', { default: '-' });
const seen = {};
let handlerTask, answer;
const main = run(
  async () => {
    const server = http.createServer(async (request, response) => {
      requestId.set(request.url);
      handlerTask ??= currentTask()?.getName() ?? 'none';
      try {
        if (request.url === '/slow') await timeout(0.1, () => sleep(30));
        else await sleep(request.url === '/1' ? 0.3 : 0.05);
      } catch (error) {
        return response.end(error.name);
      }
      seen[request.url] = requestId.get();
      response.end('ok');
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const get = (path) => fetch(`http://127.0.0.1:${server.address().port}${path}`).then((response) => response.text());
    setTimeout(() => {
      get('/1');
      setTimeout(get, 100, '/2');
    }, 10);
    setTimeout(
      () =>
        get('/slow').then((text) => {
          answer = text;
        }),
      500,
    );
    try {
      return await sleep(1.2, 'slept');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
  { name: 'main' },
);
check('the task that made the server goes on', await hangs(main, 8), 'slept');
check('the handler is not run as that task', handlerTask === 'main', false);
check('each request sees its own context variable', [seen['/1'], seen['/2']], ['/1', '/2']);
check('the request ends by its own timeout', answer, 'TimeoutError'); // control: holds today
done();
