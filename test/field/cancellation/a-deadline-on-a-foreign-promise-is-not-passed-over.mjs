// timeout(s, () => query()) is what everyone writes first. The promise is not the library's and cannot be stopped, but
// when it is late the answer is a TimeoutError, not its result without a word.
import { createServer } from 'node:http';
import { check, core, done, foreign, hangs } from '../lib.mjs';

const { createTask, currentSignal, run, timeout, waitFor, wrapPromise } = core;

const server = createServer((_request, response) => setTimeout(() => response.end('slow'), 500)).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const url = `http://127.0.0.1:${server.address().port}/`;
const query = () => foreign(500, 'rows');
await run(async () => {
  const outcome = (body) => hangs(createTask(body), 3);
  check('timeout(s, () => query())', await outcome(() => timeout(0.1, () => query())), 'TimeoutError');
  check(
    'timeout(s, async () => await query())',
    await outcome(() => timeout(0.1, async () => await query())),
    'TimeoutError',
  );
  check(
    'timeout(s, () => fetch(url))',
    await outcome(() => timeout(0.1, async () => (await fetch(url)).text())),
    'TimeoutError',
  );
  check('waitFor(() => query(), s)', await outcome(() => waitFor(() => query(), 0.1)), 'TimeoutError');
  check('waitFor(query(), s)', await outcome(() => waitFor(query(), 0.1)), 'TimeoutError'); // control: holds today
  check(
    'timeout(s, () => wrapPromise(query()))',
    await outcome(() => timeout(0.1, () => wrapPromise(query()))),
    'TimeoutError',
  ); // control: holds today
  check(
    'fetch with the signal',
    await outcome(() => timeout(0.1, async () => (await fetch(url, { signal: currentSignal() })).text())),
    'TimeoutError',
  ); // control: holds today
  check('in time', await outcome(() => timeout(2, () => query())), 'rows'); // control: holds today
});
done();
