// Passes TCP connections on to another server. After Ctrl-C, open connections may go on until the deadline.
//
//     node examples/proxy/main.ts --port 8080 --upstream example.org:80

import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Coroutine, Event, KeyboardInterrupt, run } from 'asyncio-ts';
import { startServer } from 'asyncio-ts/node';
import { TcpProxy } from './proxy.ts';
import { Status } from './status.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8080' },
    upstream: { type: 'string', default: 'example.org:80' },
    'connect-timeout': { type: 'string', default: '5' },
    idle: { type: 'string', default: '60' },
    limit: { type: 'string', default: '1000' },
    deadline: { type: 'string', default: '10' },
  },
});

function* main(): Coroutine<void> {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(values.upstream) ?? [];
  const status = new Status(process.stdout);
  const proxy = new TcpProxy({
    upstream: { host, port: Number(port) },
    connectTimeout: Number(values['connect-timeout']),
    idleTimeout: Number(values.idle),
    limit: Number(values.limit),
    onChange: status.change,
    onEnd: status.end,
  });
  const server = yield* startServer(proxy.handle, values.host, Number(values.port));
  console.log(`listening on ${server.sockets.join(', ')}`);
  try {
    yield* new Event().wait();
  } finally {
    server.close();
    console.log(`shutting down, connections open: ${proxy.links.size}`);
    const { cut } = yield* server.shutdown(Number(values.deadline));
    console.log(`connections cut: ${cut}`);
  }
}

try {
  await run(main);
} catch (error) {
  if (!(error instanceof KeyboardInterrupt)) throw error;
  process.exitCode = 130;
}
