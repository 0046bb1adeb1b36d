import { ExceptionGroup, ValueError } from 'asyncio-ts';
import {
  AF_INET,
  ConnectionRefusedError,
  GetAddrInfoError,
  getaddrinfo,
  getnameinfo,
  openConnection,
  openDatagramSocket,
  type StreamReader,
  type StreamWriter,
  startServer,
} from 'asyncio-ts/node';
import { equal, ok, throws } from '../../lib/expect.ts';
import { subject } from '../../lib/registry.ts';
import type { Spelling } from '../../lib/spellings.ts';
import { text } from '../../lib/text.ts';

const { live } = subject('names');

const HOST = '127.0.0.1';

live('an address is its own address', function* (s) {
  const entry = { family: 4, address: HOST, port: 80, sockaddr: [HOST, 80] };
  equal(yield* s.wait(getaddrinfo(HOST, 80)), [entry]);
  yield* s.fails(getaddrinfo('::1', 80, { family: AF_INET }), GetAddrInfoError);
});

live('localhost has an address, and so has this machine', function* (s) {
  const found = yield* s.wait(getaddrinfo('localhost', 80, { family: AF_INET }));
  equal([found[0]?.family, found[0]?.sockaddr], [4, [HOST, 80]]);
  const own = yield* s.wait(getaddrinfo(null, 80));
  ok(
    own.some(({ address }) => address === HOST),
    `${HOST} among the addresses of this machine`,
  );
});

live('a name that does not resolve, and an invalid family, are errors', function* (s) {
  const error = yield* s.fails(getaddrinfo('no.such.host.invalid'), GetAddrInfoError, /no\.such\.host\.invalid/);
  equal(error.code, 'ENOTFOUND');
  throws(() => getaddrinfo(HOST, 80, { family: 5 as never }), ValueError);
  throws(() => getaddrinfo(HOST, 65_536), ValueError);
});

live('an address has a host and a service', function* (s) {
  const port = 80;
  equal(yield* s.wait(getnameinfo([HOST, port], { numericHost: true, numericService: true })), [HOST, '80']);
  const [host, service] = yield* s.wait(getnameinfo([HOST, port]));
  ok(host !== '' && host !== HOST, `the name of ${HOST}, not ${host}`);
  ok(service === 'http' || service === '80', `a service, not ${service}`);
  equal(yield* s.wait(getnameinfo([HOST, port], { numericService: true })), [host, '80']);
  equal(yield* s.wait(getnameinfo([HOST, port], { numericHost: true })), [HOST, service]);
  throws(() => getnameinfo(['localhost', port]), ValueError);
});

function sayGoodDay(s: Spelling) {
  return s.fn(function* (_reader: StreamReader, writer: StreamWriter): Generator<unknown, void, unknown> {
    writer.write('good day\n');
    writer.close();
  });
}

live('a server at one address of localhost is found', function* (s) {
  const server = yield* s.wait(startServer(sayGoodDay(s), HOST, 0));
  for (const options of [{}, { happyEyeballsDelay: 0.25 }, { happyEyeballsDelay: 0 }, { interleave: 2 }]) {
    const [reader, writer] = yield* s.wait(openConnection('localhost', server.port, options));
    equal(writer.getExtraInfo('peername'), [HOST, server.port]);
    equal(text(yield* s.wait(reader.read())), 'good day\n');
    writer.close();
    yield* s.wait(writer.waitClosed());
  }
  yield* s.wait(server.shutdown(5));
});

live('a server of localhost is reached by name', function* (s) {
  const server = yield* s.wait(startServer(sayGoodDay(s), 'localhost', 0));
  const [reader, writer] = yield* s.wait(openConnection('localhost', server.port));
  equal(text(yield* s.wait(reader.read())), 'good day\n');
  writer.close();
  yield* s.wait(server.shutdown(5));
});

live('when no address answers, there is one error, or an error for each', function* (s) {
  const server = yield* s.wait(startServer(sayGoodDay(s), HOST, 0));
  const { port } = server;
  yield* s.wait(server.shutdown(5));
  for (const options of [{}, { happyEyeballsDelay: 0.25 }]) {
    const group = yield* s.fails(openConnection('localhost', port, { ...options, allErrors: true }), ExceptionGroup);
    const isRefusal = (error: unknown) => error instanceof ConnectionRefusedError;
    ok(group.errors.length > 0 && group.errors.some(isRefusal), `refusals, not ${group.errors}`);
    const refused = yield* s.fails(openConnection(HOST, port, options), ConnectionRefusedError);
    equal(refused.code, 'ECONNREFUSED');
  }
});

live('datagrams go to a name', function* (s) {
  const socket = yield* s.wait(openDatagramSocket({ localAddr: [HOST, 0] }));
  const named = ['localhost', socket.address[1]] as const;
  const client = yield* s.wait(openDatagramSocket({ remoteAddr: named, family: AF_INET }));
  yield* s.wait(client.send('by its peer'));
  equal(text((yield* s.wait(socket.receive())).data), 'by its peer');
  yield* s.wait(socket.send('by its address', named));
  equal(text((yield* s.wait(socket.receive())).data), 'by its address');
  yield* s.wait(client.close());
  yield* s.wait(socket.close());
});
