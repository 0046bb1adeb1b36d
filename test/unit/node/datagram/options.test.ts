import { createSocket } from 'node:dgram';
import { createDatagramEndpoint, DatagramProtocol, openDatagramSocket } from 'asyncio-ts/node';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { thrownBy } from '../../../support/programs.ts';

/** Both ways to make a socket, which check their options alike. */
const makers = {
  createDatagramEndpoint: (options: unknown) =>
    createDatagramEndpoint(() => new DatagramProtocol(), options as { family: 4 }),
  openDatagramSocket: (options: unknown) => openDatagramSocket(options as { family: 4 }),
};

describe.each(Object.entries(makers))('the options of %s', (name, make) => {
  test.each([
    [undefined, 'TypeError', 'options are required, got undefined'],
    [null, 'TypeError', 'options are required, got null'],
    [{}, 'ValueError', 'unexpected address family: without localAddr and remoteAddr, family must be 4 or 6'],
    [{ family: 5 }, 'ValueError', 'family is 4, 6, or 0 for both, got 5'],
    [{ localAddr: '127.0.0.1' }, 'TypeError', "localAddr: an address is [host, port], got '127.0.0.1'"],
    [{ localAddr: ['127.0.0.1'] }, 'TypeError', 'localAddr: an address is [host, port]'],
    [{ localAddr: ['', 0] }, 'TypeError', 'localAddr: a host name or address is required'],
    [{ localAddr: ['127.0.0.1', '80'] }, 'TypeError', "localAddr: a port must be a number, got '80'"],
    [{ remoteAddr: ['127.0.0.1', 65_536] }, 'ValueError', 'remoteAddr: a port must be a whole number from 0 to 65535'],
    [{ remoteAddr: ['127.0.0.1', 0] }, 'ValueError', "remoteAddr: port 0 cannot be a peer's port"],
    [{ sock: {} }, 'TypeError', 'A datagram socket was expected, got <Object object>'],
    [{ sock: null }, 'TypeError', 'A datagram socket was expected, got null'],
  ])('%o are refused at once', (options, kind, message) => {
    const error = thrownBy(() => make(options)) as Error;
    expect([error.name, error.message]).toEqual([kind, expect.stringContaining(`${name}: ${message}`)]);
  });

  it('leave a socket of the runtime as it is', () => {
    const sock = createSocket('udp4');
    onTestFinished(() => void sock.close());
    const error = thrownBy(() => make({ sock, family: 4, localAddr: ['127.0.0.1', 0], reusePort: false })) as Error;
    expect(error.name).toBe('ValueError');
    expect(error.message).toBe(
      `${name}: socket modifier options can not be used when sock is specified (family=4, localAddr=['127.0.0.1', 0])`,
    );
  });
});

describe('besides', () => {
  it('a protocol needs a function that makes it', () => {
    expect(() => createDatagramEndpoint(new DatagramProtocol() as never, { family: 4 })).toThrow(
      'createDatagramEndpoint: a function that makes a protocol is required',
    );
  });

  it.each([
    [0, 'whole number of at least 1'],
    [-1, 'whole number of at least 1'],
    [1.5, 'whole number of at least 1'],
    [Number.NaN, 'whole number of at least 1'],
    ['9', 'number of datagrams'],
  ])('%o is no number of datagrams to keep', (maxBuffered, wanted) => {
    expect(() => openDatagramSocket({ family: 4, maxBuffered: maxBuffered as number })).toThrow(
      `openDatagramSocket: maxBuffered must be a ${wanted}, got`,
    );
  });
});
