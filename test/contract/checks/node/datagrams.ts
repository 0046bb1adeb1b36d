import { forEach, getRunningLoop, RuntimeError, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import {
  ConnectionRefusedError,
  createDatagramEndpoint,
  DatagramProtocol,
  type DatagramTransport,
  OSError,
  openDatagramSocket,
} from 'asyncio-ts/node';
import { withDatagramPeers, withSharedPorts } from '../../lib/environment.ts';
import { equal, ok } from '../../lib/expect.ts';
import { later } from '../../lib/loops.ts';
import { subject } from '../../lib/registry.ts';
import { text } from '../../lib/text.ts';

const { checkBoth, live } = subject('datagrams');
const { live: liveWithPeers } = subject('datagrams', withDatagramPeers);
const { live: liveWithSharedPorts } = subject('datagrams', withSharedPorts);

const ANY_PORT = ['127.0.0.1', 0] as const;

live('go both ways, and their bytes and boundaries do not change', function* (s) {
  const server = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT }));
  const client = yield* s.wait(openDatagramSocket({ remoteAddr: server.address }));
  equal(client.peer, server.address);
  const bytes = new Uint8Array(20_000).map((_, i) => i);
  for (const data of ['one', '', bytes]) yield* s.wait(client.send(data));
  const first = yield* s.wait(server.receive());
  equal(text(first.data), 'one');
  equal((yield* s.wait(server.receive())).data.length, 0);
  equal(text((yield* s.wait(server.receive())).data), text(bytes));
  yield* s.wait(server.send('answer', first.address));
  const answer = yield* s.wait(client.receive());
  equal([text(answer.data), answer.address], ['answer', server.address]);
  yield* s.wait(client.close());
  yield* s.wait(server.close());
});

live('come only from the peer of a socket that has one', function* (s) {
  const server = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT }));
  const client = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT, remoteAddr: server.address }));
  const stranger = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT }));
  yield* s.wait(client.send('ask'));
  const { address } = yield* s.wait(server.receive());
  yield* s.wait(stranger.send('forged', address));
  yield* s.wait(server.send('true', address));
  equal(text((yield* s.wait(client.receive())).data), 'true');
  for (const socket of [client, server, stranger]) yield* s.wait(socket.close());
  equal([client.buffered, stranger.buffered], [0, 0]);
});

live('are kept up to a number, and counted beyond it', function* (s) {
  const socket = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT, maxBuffered: 2 }));
  for (const data of ['a', 'b', 'c', 'd', 'e']) yield* s.wait(socket.send(data, socket.address));
  while (socket.buffered + socket.dropped < 5) yield* s.wait(sleep(0.001));
  equal([socket.buffered, socket.dropped], [2, 3]);
  yield* s.wait(socket.close());
  const left: string[] = [];
  const keep = s.fn(function* ({ data }: { readonly data: Uint8Array }) {
    left.push(text(data));
  });
  yield* s.wait(forEach(socket, keep));
  equal(left, ['a', 'b'], 'what came before the end');
  yield* s.fails(socket.receive(), RuntimeError, /is closed/);
  yield* s.fails(socket.send('late', socket.address), RuntimeError, /is closed/);
});

live('are not lost by a wait that is cancelled', function* (s) {
  const socket = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT }));
  const receive = s.fn(function* () {
    yield* s.wait(socket.receive());
  });
  yield* s.fails(timeout(0.01, receive), TimeoutError);
  yield* s.wait(socket.send('later', socket.address));
  equal(text((yield* s.wait(socket.receive())).data), 'later');
  yield* s.wait(socket.close());
});

live('that are too long are refused, and the socket still works', function* (s) {
  const socket = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT }));
  yield* s.wait(socket.send(new Uint8Array(70_000), socket.address));
  equal((yield* s.fails(socket.receive(), OSError)).code, 'EMSGSIZE');
  yield* s.wait(socket.send('short', socket.address));
  equal(text((yield* s.wait(socket.receive())).data), 'short');
  yield* s.wait(socket.close());
});

live('cannot have an address that is taken', function* (s) {
  const socket = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT }));
  equal((yield* s.fails(openDatagramSocket({ localAddr: socket.address }), OSError)).code, 'EADDRINUSE');
  yield* s.wait(socket.close());
});

liveWithPeers('that a peer refuses are told of once', function* (s) {
  const gone = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT }));
  const client = yield* s.wait(openDatagramSocket({ remoteAddr: gone.address }));
  yield* s.wait(gone.close());
  yield* s.wait(client.send('anybody?'));
  equal((yield* s.fails(client.receive(), ConnectionRefusedError)).code, 'ECONNREFUSED');
  ok(!client.closed, 'an open socket');
  equal(client.buffered, 0);
  yield* s.wait(client.close());
});

liveWithSharedPorts('are shared out between the sockets of a port', function* (s) {
  const first = yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT, reusePort: true }));
  const second = yield* s.wait(openDatagramSocket({ localAddr: first.address, reusePort: true }));
  yield* s.wait(second.send('to either', first.address));
  while (first.buffered + second.buffered < 1) yield* s.wait(sleep(0.001));
  yield* s.wait(first.close());
  yield* s.wait(second.close());
});

/** Notes what it is told. */
class Notes extends DatagramProtocol {
  readonly notes: string[] = [];
  readonly lost = getRunningLoop().createFuture<void>();
  transport: DatagramTransport | null = null;

  override connectionMade(transport: DatagramTransport): void {
    this.transport = transport;
    this.notes.push('made');
  }

  override datagramReceived(data: Uint8Array, address: readonly [string, number]): void {
    this.notes.push(text(data));
    if (text(data) === 'question') this.transport?.sendto('answer', address);
    else this.transport?.close();
  }

  override connectionLost(error: unknown): void {
    this.notes.push(`lost ${error}`);
    this.lost.setResult(undefined);
  }
}

live('events reach a protocol in order', function* (s) {
  const [server, answering] = yield* s.wait(createDatagramEndpoint(() => new Notes(), { localAddr: ANY_PORT }));
  const remoteAddr = server.getExtraInfo('sockname') as readonly [string, number];
  const [client, asking] = yield* s.wait(createDatagramEndpoint(() => new Notes(), { remoteAddr }));
  equal(asking.transport === client, true, 'made before it is handed out');
  client.sendto('question');
  yield* s.wait(asking.lost);
  server.abort();
  yield* s.wait(answering.lost);
  equal(answering.notes, ['made', 'question', 'lost null']);
  equal(asking.notes, ['made', 'answer', 'lost null']);
});

checkBoth('leave no socket open behind their loop', async (s) => {
  const open = s.fn(function* () {
    return (yield* s.wait(openDatagramSocket({ localAddr: ANY_PORT }))).address;
  });
  const localAddr = await run(open);
  await later(20); // Deno takes some turns to close one
  const again = s.fn(function* () {
    yield* s.wait((yield* s.wait(openDatagramSocket({ localAddr }))).close());
  });
  await run(again);
});
