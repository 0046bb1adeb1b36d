import { type ExceptionContext, getRunningLoop } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { UdpTransport } from '../../../../src/node/datagram/udp-transport.ts';
import { socketAddress } from '../../../../src/streams/addresses.ts';
import { muteLog } from '../../../support/loops.ts';
import { iterations, program, thrownBy } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { FakeSocket, Recorder } from './support.ts';

const PEER = socketAddress('127.0.0.1', 9, 4);
const OTHER = ['127.0.0.1', 10] as const;
/** What the system says of a datagram. */
const INFO = { address: '127.0.0.1', port: 9, family: 'IPv4', size: 1 };
const refused = () => Object.assign(new Error('send ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'send' });

function connected(peer: typeof PEER | null = PEER, playsConnected = false) {
  const socket = new FakeSocket();
  const protocol = new Recorder();
  const transport = new UdpTransport(getRunningLoop(), socket.bound(peer, playsConnected), protocol);
  return { socket, protocol, transport };
}

describeBoth('a transport of datagrams', (s) => {
  test(
    'calls its protocol in turns of the loop, in order',
    program(s, function* () {
      const { socket, protocol, transport } = connected();
      socket.emit('message', Uint8Array.of(0x61), INFO);
      socket.emit('error', refused());
      socket.emit('message', Uint8Array.of(0x62), INFO);
      transport.close();
      expect(protocol.names).toEqual([]);
      expect(socket.isClosed).toBe(true);
      yield* iterations(s, 1);
      // The program that has closed it does not want datagrams any more.
      expect(protocol.calls).toEqual([
        ['made'],
        ['error', expect.objectContaining({ code: 'ECONNREFUSED' })],
        ['lost', null],
      ]);
    }),
  );

  test(
    'pauses above the high mark at once, and resumes at the low one',
    program(s, function* () {
      const { socket, protocol, transport } = connected();
      expect(transport.getWriteBufferLimits()).toEqual([16_384, 65_536]);
      transport.setWriteBufferLimits({ high: 30, low: 10 });
      yield* iterations(s, 1);
      transport.sendto('12345');
      expect(transport.getWriteBufferSize()).toBe(13);
      transport.sendto(new Uint8Array(9));
      expect([transport.getWriteBufferSize(), protocol.names]).toEqual([30, ['made']]);
      transport.sendto('');
      expect([transport.getWriteBufferSize(), protocol.names]).toEqual([38, ['made', 'pause']]);
      socket.sent[0]!.done();
      socket.sent[1]!.done();
      yield* iterations(s, 1);
      expect([transport.getWriteBufferSize(), protocol.names]).toEqual([8, ['made', 'pause', 'resume']]);
      transport.sendto('123456789');
      transport.setWriteBufferLimits({ high: 20 });
      expect(protocol.names.slice(3)).toEqual(['pause']);
      transport.setWriteBufferLimits();
      yield* iterations(s, 1);
      expect(protocol.names.slice(4)).toEqual(['resume']);
      expect(() => transport.setWriteBufferLimits({ high: 1, low: 2 })).toThrow('high (1) must be >= low (2)');
    }),
  );

  test(
    'sends what waits before it closes',
    program(s, function* () {
      const { socket, protocol, transport } = connected();
      transport.sendto('a');
      transport.sendto('b');
      transport.close();
      transport.close();
      expect([transport.isClosing(), `${transport}`]).toEqual([
        true,
        '<UdpTransport closing peer=127.0.0.1:9 2 datagrams to send>',
      ]);
      socket.emit('message', Uint8Array.of(0x61), INFO);
      socket.sent[0]!.done();
      yield* iterations(s, 1);
      expect([socket.isClosed, protocol.names]).toEqual([false, ['made']]);
      socket.sent[1]!.done(refused());
      expect(socket.isClosed).toBe(true);
      yield* iterations(s, 1);
      expect(protocol.names).toEqual(['made', 'error', 'lost']);
    }),
  );

  test(
    'is aborted at once',
    program(s, function* () {
      const { socket, protocol, transport } = connected();
      transport.sendto('a');
      transport.close();
      transport.abort();
      expect(socket.isClosed).toBe(true);
      socket.sent[0]!.done(refused());
      transport.abort();
      yield* iterations(s, 1);
      expect(protocol.calls).toEqual([['made'], ['lost', null]]);
    }),
  );

  test(
    'sends copies, which the program cannot change any more',
    program(s, function* () {
      const { socket, transport } = connected();
      const data = Uint8Array.of(0x61);
      let sent: Uint8Array | null = null;
      socket.send = (bytes) => {
        sent = bytes;
      };
      transport.sendto(data);
      data[0] = 0x62;
      expect(sent).toEqual(Uint8Array.of(0x61));
    }),
  );

  test(
    'sends only to its peer, or to the given address when it has none',
    program(s, function* () {
      const { socket, transport } = connected();
      transport.sendto('a');
      transport.sendto('b', ['127.0.0.1', 9]);
      expect(socket.sent.map(({ text, to }) => [text, to])).toEqual([
        ['a', []],
        ['b', []],
      ]);
      expect(thrownBy(() => transport.sendto('c', OTHER))).toMatchObject({
        name: 'ValueError',
        code: 'INVALID_ADDRESS',
        message: 'sendto: Invalid address: must be null or 127.0.0.1:9, got 127.0.0.1:10',
      });
      const free = connected(null);
      free.transport.sendto('a', OTHER);
      free.transport.sendto('b', { addr: OTHER });
      expect(free.socket.sent.map(({ text, to }) => [text, to])).toEqual([
        ['a', [10, '127.0.0.1']],
        ['b', [10, '127.0.0.1']],
      ]);
      expect(() => free.transport.sendto('a', { address: OTHER } as never)).toThrow('write sendto({ addr: ');
      expect(free.transport.getExtraInfo('nonsense', { default: 5 })).toBe(5);
      expect(free.transport.getExtraInfo('nonsense', 5)).toBe(5);
      expect(() => free.transport.sendto('a')).toThrow('sendto: the socket is not connected');
      expect(() => free.transport.sendto('a', ['127.0.0.1', 0])).toThrow("sendto: port 0 cannot be a peer's port");
      expect(() => free.transport.sendto('a', 'x' as never)).toThrow("sendto: an address is [host, port], got 'x'");
      expect(() => free.transport.sendto(3 as never, OTHER)).toThrow('sendto: a Uint8Array or a string is required');
    }),
  );

  test(
    'drops what is sent once it is closed, with a warning when sending continues',
    program(s, function* () {
      const warn = muteLog('warn');
      const { socket, transport } = connected();
      transport.close();
      for (let i = 0; i < 8; i++) transport.sendto('a');
      expect(socket.sent).toEqual([]);
      expect(warn.mock.calls).toEqual([
        ['sendto() has no effect, the socket is closed: <UdpTransport closed peer=127.0.0.1:9>'],
      ]);
    }),
  );

  test(
    'stays open when its protocol fails, which is reported',
    program(s, function* (reports) {
      const { socket, protocol, transport } = connected();
      protocol.datagramReceived = () => {
        throw new Error('no good');
      };
      protocol.pauseWriting = () => {
        throw new Error('no pause');
      };
      socket.emit('message', Uint8Array.of(0x61), INFO);
      yield* iterations(s, 1);
      transport.setWriteBufferLimits({ high: 0 });
      transport.sendto('a');
      expect(transport.isClosing()).toBe(false);
      expect(reports.splice(0).map(({ message, exception }: ExceptionContext) => [message, `${exception}`])).toEqual([
        [expect.stringContaining('Exception in callback'), 'Error: no good'],
        ['protocol.pauseWriting() failed', 'Error: no pause'],
      ]);
    }),
  );

  test(
    'is lost by what is not a failure of the system',
    program(s, function* (reports) {
      const { socket, protocol } = connected();
      const error = new Error('what is this');
      socket.emit('error', error);
      yield* iterations(s, 1);
      expect(protocol.calls).toEqual([['made'], ['lost', error]]);
      expect(reports.splice(0)).toMatchObject([{ message: 'Fatal error on datagram transport', exception: error }]);
    }),
  );

  test(
    'is lost when other code closes the socket',
    program(s, function* () {
      const { socket, protocol } = connected();
      socket.close();
      yield* iterations(s, 1);
      expect(protocol.calls).toEqual([['made'], ['lost', null]]);
    }),
  );

  test(
    'keeps no more than a bounded number of datagrams for a loop that does not turn',
    program(s, function* () {
      const { socket, protocol, transport } = connected();
      for (let i = 0; i < 1_030; i++) socket.emit('message', Uint8Array.of(0x61), INFO);
      yield* iterations(s, 1);
      expect([protocol.calls.length, transport.dropped]).toEqual([1_025, 6]);
      socket.emit('message', Uint8Array.of(0x61), INFO);
      yield* iterations(s, 1);
      expect(protocol.calls.length).toBe(1_026);
    }),
  );

  test(
    'lets no strangers through where the runtime does',
    program(s, function* () {
      const { socket, protocol } = connected(PEER, true);
      socket.emit('message', Uint8Array.of(0x61), { ...INFO, port: 10 });
      socket.emit('message', Uint8Array.of(0x62), INFO);
      socket.emit('message', Uint8Array.of(0x63), { ...INFO, address: '127.0.0.2' });
      yield* iterations(s, 1);
      expect(protocol.calls).toEqual([['made'], ['received', 'b', ['127.0.0.1', 9]]]);
    }),
  );

  test(
    'goes on with another protocol',
    program(s, function* () {
      const { socket, protocol, transport } = connected();
      const other = new Recorder();
      yield* iterations(s, 1);
      transport.setProtocol(other);
      expect(transport.getProtocol()).toBe(other);
      socket.emit('message', Uint8Array.of(0x61), INFO);
      yield* iterations(s, 1);
      expect([protocol.names, other.names]).toEqual([['made'], ['received']]);
    }),
  );
});
