// One timer, port or connection calls its handler several times. No call reads what an earlier one has set, also while that one still runs.
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import { check, core, done, foreign, runtime } from '../lib.mjs';

const { ContextVar, run, sleep } = core;

const user = new ContextVar('user', { default: 'nobody' });
const handler = (seen) => async (name) => {
  const before = user.get();
  user.set(name);
  await foreign(20);
  seen.push([before === name ? 'its own' : before, user.get()]);
};

await run(async () => {
  const ticks = [],
    messages = [],
    requests = [];

  let tick = 0;
  const onTick = handler(ticks);
  const interval = setInterval(() => {
    onTick(`tick ${tick++}`);
    if (tick === 3) clearInterval(interval);
  }, 5);
  await sleep(0.1);
  const before = ticks[0]?.[0];
  check(
    'ticks of an interval are apart',
    ticks,
    [0, 1, 2].map((i) => [before, `tick ${i}`]),
  );

  const { port1, port2 } = new MessageChannel();
  const onMessage = handler(messages);
  port1.onmessage = ({ data }) => void onMessage(data);
  for (const name of ['ann', 'bob']) {
    port2.postMessage(name);
    await sleep(0.01);
  }
  await sleep(0.05);
  port1.close();
  // Deno calls each message in the async context that the last one has entered.
  if (runtime !== 'deno') {
    check(
      'messages of a port are apart',
      messages,
      ['ann', 'bob'].map((name) => [messages[0]?.[0], name]),
    );
    check('a message sees nothing of another', messages[1]?.[0] === 'ann', false);
  }

  const onRequest = handler(requests);
  const server = createServer((request, response) => {
    void onRequest(request.url);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const path of ['/ann', '/bob', '/eve']) {
    await new Promise((resolve) => {
      get({ host: '127.0.0.1', port: server.address().port, path, agent }, (response) => {
        response.resume().on('end', resolve);
      });
    });
  }
  await sleep(0.05);
  agent.destroy();
  server.close();
  check(
    'requests of one connection are apart',
    requests,
    ['/ann', '/bob', '/eve'].map((path) => [requests[0]?.[0], path]),
  );
  check('the task sees nothing of them', user.get(), 'nobody');
});
done();
