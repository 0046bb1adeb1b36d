import dns from 'node:dns';
import { createTask, sleep } from 'asyncio-ts';
import { GetAddrInfoError, getaddrinfo, getnameinfo, OSError, openConnection, startServer } from 'asyncio-ts/node';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { failure, thrownBy } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { closed, echo, ended, hears, LOCAL, networked } from './support.ts';

/** A name that no resolver may know (RFC 6761). */
const NOBODY = 'nobody.invalid';

/** Lets the system's resolver answer so. */
function resolving(answer: () => Promise<unknown>) {
  const spy = vi.spyOn(dns.promises, 'lookup').mockImplementation(answer as never);
  onTestFinished(() => spy.mockRestore());
  return spy;
}

const noName = (host: string) =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
    code: 'ENOTFOUND',
    errno: -3008,
    syscall: 'getaddrinfo',
    hostname: host,
  });

describeBoth('getaddrinfo', (s) => {
  it(
    'gives the addresses of this machine',
    networked(s, function* () {
      const found = yield* s.wait(getaddrinfo('localhost', 80));
      expect(found.map(({ address }) => address)).toContain('127.0.0.1');
      for (const { family, address, port, sockaddr } of found) {
        expect(port).toBe(80);
        expect(sockaddr).toEqual([address, 80]);
        expect(sockaddr).toMatchObject({ host: address, port: 80, family });
        expect(address.includes(':')).toBe(family === 6);
      }
      expect(yield* s.wait(getaddrinfo(null))).toEqual(yield* s.wait(getaddrinfo('localhost', 0)));
    }),
  );

  it(
    'gives only addresses of the version that is asked for',
    networked(s, function* () {
      const found = yield* s.wait(getaddrinfo('localhost', 80, { family: 4 }));
      expect(found.map(({ family }) => family)).toEqual([4]);
    }),
  );

  it(
    'gives an address as it is, without looking it up',
    networked(s, function* () {
      const lookup = resolving(() => Promise.reject(new Error('not to be asked')));
      expect(yield* s.wait(getaddrinfo('192.0.2.1', 5))).toMatchObject([{ family: 4, address: '192.0.2.1', port: 5 }]);
      expect(yield* s.wait(getaddrinfo('::1', null))).toMatchObject([{ family: 6, address: '::1', port: 0 }]);
      expect(lookup).not.toHaveBeenCalled();
    }),
  );

  it(
    'does not give an address of the other version',
    networked(s, function* () {
      for (const [host, family] of [
        ['127.0.0.1', 6],
        ['::1', 4],
      ] as const) {
        const error = yield* failure(s, getaddrinfo(host, 80, { family }));
        expect(error).toBeInstanceOf(GetAddrInfoError);
        expect(error).toMatchObject({ message: expect.stringContaining(host) });
      }
    }),
  );

  it(
    'keeps the order of the system',
    networked(s, function* () {
      resolving(() =>
        Promise.resolve([
          { address: '2001:db8::1', family: 6 },
          { address: '192.0.2.1', family: 4 },
          { address: '2001:db8::2', family: 6 },
        ]),
      );
      const found = yield* s.wait(getaddrinfo('a.example', 443));
      expect(found.map(({ address }) => address)).toEqual(['2001:db8::1', '192.0.2.1', '2001:db8::2']);
    }),
  );

  it(
    'fails for a name that does not resolve, with the code of the resolver and the name',
    networked(s, function* () {
      resolving(() => Promise.reject(noName(NOBODY)));
      const error = yield* failure(s, getaddrinfo(NOBODY, 80));
      expect(error).toBeInstanceOf(GetAddrInfoError);
      expect(error).toBeInstanceOf(OSError);
      expect(error).toMatchObject({
        name: 'GetAddrInfoError',
        code: 'ENOTFOUND',
        errno: -3008,
        syscall: 'getaddrinfo',
        message: expect.stringContaining(NOBODY),
        cause: expect.objectContaining({ hostname: NOBODY }),
      });
    }),
  );

  it(
    'fails so for real',
    networked(s, function* () {
      const error = yield* failure(s, getaddrinfo(NOBODY, 80));
      expect(error).toBeInstanceOf(GetAddrInfoError);
      expect((error as OSError).code).toMatch(/^(ENOTFOUND|EAI_AGAIN|EAI_FAIL)$/);
    }),
  );

  it(
    'can be cancelled, whatever the resolver says then',
    networked(s, function* () {
      let answer: (error: Error) => void = () => {};
      resolving(
        () =>
          new Promise((_resolve, reject) => {
            answer = reject;
          }),
      );
      const task = createTask(getaddrinfo('slow.example', 80));
      yield* s.wait(sleep(0));
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      answer(noName('slow.example'));
      yield* s.wait(sleep(0));
    }),
  );
});

describeBoth('getnameinfo', (s) => {
  it(
    'gives the names of a host and a service',
    networked(s, function* () {
      const [host, service] = yield* s.wait(getnameinfo([LOCAL, 80]));
      expect(host).toMatch(/\w/);
      expect(service).toMatch(/^(http|80)$/);
    }),
  );

  it(
    'leaves numbers when asked to, without looking them up',
    networked(s, function* () {
      const lookup = vi.spyOn(dns.promises, 'lookupService');
      expect(yield* s.wait(getnameinfo([LOCAL, 80], { numericHost: true, numericService: true }))).toEqual([
        LOCAL,
        '80',
      ]);
      expect(lookup).not.toHaveBeenCalled();
      lookup.mockResolvedValue({ hostname: 'a.example', service: 'http' });
      expect(yield* s.wait(getnameinfo([LOCAL, 80], { numericHost: true }))).toEqual([LOCAL, 'http']);
      expect(yield* s.wait(getnameinfo([LOCAL, 80], { numericService: true }))).toEqual(['a.example', '80']);
      lookup.mockRestore();
    }),
  );

  it(
    'fails with the code of the resolver, and the address',
    networked(s, function* () {
      const lookup = vi
        .spyOn(dns.promises, 'lookupService')
        .mockRejectedValue(
          Object.assign(new Error('getnameinfo ENOTFOUND'), { code: 'ENOTFOUND', syscall: 'getnameinfo' }),
        );
      const error = yield* failure(s, getnameinfo(['192.0.2.1', 80]));
      lookup.mockRestore();
      expect(error).toBeInstanceOf(GetAddrInfoError);
      expect(error).toMatchObject({ code: 'ENOTFOUND', message: expect.stringContaining('192.0.2.1:80') });
    }),
  );
});

describeBoth('a connection to a name', (s) => {
  it(
    'tries its addresses one after the other',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), '127.0.0.2', 0));
      resolving(() =>
        Promise.resolve([
          { address: '127.0.0.3', family: 4 },
          { address: '127.0.0.2', family: 4 },
        ]),
      );
      for (const happyEyeballsDelay of [null, 0.25]) {
        const pair = yield* s.wait(openConnection('a.example', server.port, { happyEyeballsDelay }));
        expect(pair.writer.getExtraInfo('peername')).toEqual(['127.0.0.2', server.port]);
        yield* hears(s, pair);
        yield* closed(s, pair.writer);
      }
      yield* ended(s, server);
    }),
  );

  it(
    'is refused when all of them refuse, and says where',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), '127.0.0.2', 0));
      const { port } = server;
      yield* ended(s, server);
      resolving(() =>
        Promise.resolve([
          { address: '127.0.0.3', family: 4 },
          { address: '127.0.0.2', family: 4 },
        ]),
      );
      const error = yield* failure(s, openConnection('a.example', port));
      expect(error).toMatchObject({ name: 'ConnectionRefusedError', code: 'ECONNREFUSED' });
      expect((error as Error).message).toContain(`127.0.0.3:${port}`);
      expect((error as Error).message).toContain(`127.0.0.2:${port}`);
      const group = yield* failure(s, openConnection('a.example', port, { allErrors: true, happyEyeballsDelay: 1 }));
      expect(group).toMatchObject({
        name: 'ExceptionGroup',
        errors: [{ code: 'ECONNREFUSED' }, { code: 'ECONNREFUSED' }],
      });
    }),
  );

  it(
    'fails when the name does not resolve',
    networked(s, function* () {
      resolving(() => Promise.reject(noName(NOBODY)));
      expect(yield* failure(s, openConnection(NOBODY, 80))).toBeInstanceOf(GetAddrInfoError);
      expect(yield* failure(s, startServer(echo(s), NOBODY, 80))).toBeInstanceOf(GetAddrInfoError);
    }),
  );

  it(
    'of an address of the other version fails',
    networked(s, function* () {
      expect(yield* failure(s, openConnection(LOCAL, 80, { family: 6 }))).toBeInstanceOf(GetAddrInfoError);
    }),
  );
});

describe('the arguments of a resolver', () => {
  it.each<[name: string, call: () => unknown, error: object]>([
    ['no host', () => getaddrinfo(undefined as never), { name: 'TypeError' }],
    ['an empty host', () => getaddrinfo(''), { name: 'TypeError' }],
    ['a port out of range', () => getaddrinfo('localhost', 70_000), { name: 'ValueError', code: 'INVALID_PORT' }],
    ['a version 5', () => getaddrinfo('localhost', 1, { family: 5 as never }), { code: 'INVALID_FAMILY' }],
    ['an address as text', () => getnameinfo(LOCAL as never), { name: 'TypeError' }],
    ['a name in place of an address', () => getnameinfo(['localhost', 80]), { name: 'ValueError' }],
    ['no port', () => getnameinfo([LOCAL] as never), { name: 'TypeError' }],
    ['options that are none', () => getnameinfo([LOCAL, 80], 0 as never), { name: 'TypeError' }],
  ])('is refused at once: %s', (_name, call, error) => {
    expect(thrownBy(call)).toMatchObject(error);
  });
});
