import path from 'node:path';
import { createTask } from 'asyncio-ts';
import {
  createConnection,
  createDatagramEndpoint,
  createServer,
  createSubprocessExec,
  createUnixConnection,
  createUnixServer,
  getaddrinfo,
  getnameinfo,
  openConnection,
  openDatagramSocket,
  openFile,
  openUnixConnection,
  readFile,
  readLines,
  runProcess,
  SubprocessStreamProtocol,
  sendfile,
  startServer,
  startUnixServer,
  ThreadPoolExecutor,
  writeFile,
} from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { byName } from '../../../src/internal/keywords.ts';
import { thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { fileOf } from './files/support.ts';
import { closed, echo, ended, folder, hears, LOCAL, making, Notes, networked, until } from './net/support.ts';

describe('what a call was given', () => {
  const parse = (...given: unknown[]) => byName('f', ['host', 'port'], ['ssl'], given);

  it('is the same by position, by name, and in part by each', () => {
    const all = { host: 'h', port: 1, ssl: true };
    expect(parse('h', 1, { ssl: true })).toEqual(all);
    expect(parse('h', { port: 1, ssl: true })).toEqual(all);
    expect(parse({ host: 'h', port: 1, ssl: true })).toEqual(all);
    expect(parse('h', 1)).toEqual({ host: 'h', port: 1 });
    expect(parse('h', 1, undefined)).toEqual({ host: 'h', port: 1 });
    expect(parse(null, undefined, { port: 2 })).toEqual({ host: null, port: 2 });
    expect(parse(['a', 'b'], 1)).toEqual({ host: ['a', 'b'], port: 1 });
    expect(parse()).toEqual({});
  });

  it('is refused when something is given twice, or the options are not an object', () => {
    expect(() => parse('h', { host: 'g' })).toThrow(
      'f: host is given twice, by position and by name; write f(host, port)',
    );
    expect(() => parse('h', 1, 'utf-8')).toThrow(
      "options are one object after the other arguments, got 'utf-8'; write f(host, port, { … })",
    );
  });
});

describe('a misspelt option', () => {
  const any = (value: unknown) => value as never;
  const factory = () => new Notes();
  const handler = async () => {};
  const calls: Readonly<Record<string, readonly [call: (options: object) => unknown, wrong: string, right: string]>> = {
    openConnection: [(o) => openConnection(LOCAL, 80, any(o)), 'limt', 'limit'],
    createConnection: [(o) => createConnection(factory, { host: LOCAL, port: 80, ...o }), 'local_addr', 'localAddr'],
    openUnixConnection: [(o) => openUnixConnection('socket', any(o)), 'closeTimout', 'closeTimeout'],
    createUnixConnection: [(o) => createUnixConnection(factory, 'socket', any(o)), 'servername', 'serverHostname'],
    startServer: [(o) => startServer(handler, LOCAL, 0, any(o)), 'backlogs', 'backlog'],
    createServer: [(o) => createServer(factory, { host: LOCAL, port: 0, ...o }), 'reuse_port', 'reusePort'],
    startUnixServer: [(o) => startUnixServer(handler, 'socket', any(o)), 'mod', 'mode'],
    createUnixServer: [(o) => createUnixServer(factory, 'socket', any(o)), 'start_serving', 'startServing'],
    sendfile: [(o) => sendfile(any({}), any({}), any(o)), 'ofset', 'offset'],
    openFile: [(o) => openFile('file', 'r', any(o)), 'encodng', 'encoding'],
    readFile: [(o) => readFile('file', any(o)), 'encodng', 'encoding'],
    writeFile: [(o) => writeFile('file', 'text', any(o)), 'permission', 'permissions'],
    readLines: [(o) => readLines('file', any(o)), 'error', 'errors'],
    getaddrinfo: [(o) => getaddrinfo('localhost', 80, any(o)), 'famly', 'family'],
    getnameinfo: [(o) => getnameinfo([LOCAL, 80], any(o)), 'numeric_host', 'numericHost'],
    createDatagramEndpoint: [
      (o) => createDatagramEndpoint(any(factory), any({ family: 4, ...o })),
      'localAdr',
      'localAddr',
    ],
    openDatagramSocket: [(o) => openDatagramSocket({ family: 4, ...o }), 'maxBuffer', 'maxBuffered'],
    SubprocessStreamProtocol: [(o) => new SubprocessStreamProtocol(any(o)), 'limt', 'limit'],
    createSubprocessExec: [(o) => createSubprocessExec('true', any(o)), 'killgroup', 'killGroup'],
    runProcess: [(o) => runProcess('true', [], any(o)), 'timout', 'timeout'],
  };

  it.each(Object.entries(calls))(
    'of %s is an error at once, which names the right one',
    (name, [call, wrong, right]) => {
      const error = thrownBy(() => call({ [wrong]: 1 })) as Error;
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'UNKNOWN_OPTION' });
      expect(error.message).toContain(`${name}: there is no option '${wrong}'; write { ${right}: … }`);
    },
  );

  it('of an executor is one as well', async () => {
    await using pool = new ThreadPoolExecutor(1);
    expect(() => pool.with(any({ terminat: true }))).toThrow('with: there is no option');
    expect(() => pool.shutdown(any({ cancelFuture: true }))).toThrow('write { cancelFutures: … }');
  });
});

describeBoth('by name can be given', (s) => {
  it(
    'where to listen, and where to connect to',
    networked(s, function* () {
      const server = yield* s.wait(startServer(echo(s), { host: LOCAL, port: 0 }));
      const { port } = server;
      for (const opening of [openConnection({ host: LOCAL, port, limit: 100 }), openConnection(LOCAL, { port })]) {
        const pair = yield* s.wait(opening);
        yield* hears(s, pair);
        yield* closed(s, pair.writer);
      }
      const [transport, protocol] = yield* s.wait(createConnection(() => new Notes(), { host: LOCAL, port }));
      transport.close();
      yield* until(s, () => protocol.isLost);
      yield* ended(s, server);
      const other = yield* s.wait(createServer(() => new Notes(), LOCAL, { port: 0 }));
      expect(other.port).toBeGreaterThan(0);
      yield* ended(s, other);
      expect(() => openConnection(80 as never, LOCAL as never)).toThrow('host comes before port');
      expect(() => openConnection(LOCAL)).toThrow('write (host, port) or { host, port }');
      expect(() => startServer(echo(s), {} as never)).toThrow('write (host, port) or { host, port }');
    }),
  );

  it(
    'where a Unix socket is',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const server = yield* s.wait(startUnixServer(echo(s), { path: file }));
      const pair = yield* s.wait(openUnixConnection({ path: file }));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      const [transport, protocol] = yield* s.wait(createUnixConnection(() => new Notes(), { path: file }));
      transport.close();
      yield* until(s, () => protocol.isLost);
      yield* ended(s, server);
      const other = yield* s.wait(createUnixServer(() => new Notes(), { path: file }));
      expect(other.isServing()).toBe(true);
      yield* ended(s, other);
    }),
  );

  it(
    'what of a file is sent; by position, too',
    networked(s, function* () {
      const factory = making(() => new Notes());
      const server = yield* s.wait(createServer(factory, LOCAL, 0));
      const [transport] = yield* s.wait(createConnection(() => new Notes(), LOCAL, server.port));
      const file = yield* s.wait(openFile(fileOf('0123456789')));
      expect(yield* s.wait(sendfile(transport, file, 2, 3))).toBe(3);
      expect(yield* s.wait(sendfile(transport, file, 8))).toBe(2);
      expect(yield* s.wait(sendfile(transport, file, { offset: 1, count: 1 }))).toBe(1);
      yield* until(s, () => factory.made[0]?.received.length === 6);
      expect(factory.made[0]?.received).toBe('234891');
      yield* s.wait(file.close());
      transport.close();
      yield* ended(s, server);
    }),
  );

  it(
    'how a file is opened, behind its mode',
    networked(s, function* () {
      const place = fileOf('');
      const file = yield* s.wait(openFile(place, 'w+', { encoding: 'utf-8' }));
      yield* s.wait(file.write('grün'));
      yield* s.wait(file.seek(0));
      expect(yield* s.wait(file.read())).toBe('grün');
      yield* s.wait(file.close());
      for (const call of [
        () => readFile(place, 'utf-8' as never),
        () => readLines(place, 'utf-8' as never),
        () => writeFile(place, 'x', 'utf-8' as never),
      ])
        expect(call).toThrow("write { encoding: 'utf-8' }");
      expect(() => openFile(place, 'r', 'utf-8' as never)).toThrow('options are one object');
      expect(yield* s.wait(createTask(() => readFile(place, { encoding: 'utf-8' })))).toBe('grün');
    }),
  );
});
