import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createNodeServer } from 'node:net';
import path from 'node:path';
import { getRunningLoop, wrapPromise } from 'asyncio-ts';
import {
  createUnixConnection,
  createUnixServer,
  FileNotFoundError,
  OSError,
  openUnixConnection,
  PermissionError,
  startUnixServer,
} from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { runInProcess } from '../../../support/processes.ts';
import { failure, thrownBy } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { closed, echo, ended, folder, hears, making, Notes, networked, until } from './support.ts';

describeBoth('a Unix socket', (s) => {
  it(
    'carries bytes both ways, and its file goes with its server',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const server = yield* s.wait(startUnixServer(echo(s), file));
      expect(statSync(file).isSocket()).toBe(true);
      const [socket] = server.sockets;
      expect(socket!.getsockname()).toBe(file);
      expect(socket!.host).toBe(file);
      expect(socket!.port).toBe(0);
      expect(socket!.family).toBeNull();
      expect(server.port).toBe(0);
      expect(String(server)).toBe(`<Server serving on ${file} connections=0>`);
      const pair = yield* s.wait(openUnixConnection(file));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
      expect(existsSync(file)).toBe(false);
    }),
  );

  it(
    'cannot be made in a folder that does not exist, and the error says so',
    networked(s, function* () {
      const place = path.join(folder(), 'none', 'socket');
      const error = yield* failure(s, startUnixServer(echo(s), place));
      expect(error).toBeInstanceOf(FileNotFoundError);
      expect(error).toMatchObject({ code: 'ENOENT', syscall: 'listen' });
      expect((error as Error).message).toBe(`cannot listen on ${place}: '${path.dirname(place)}' does not exist`);
    }),
  );

  it(
    'carries bytes for protocols',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const factory = making(() => new Notes());
      const server = yield* s.wait(createUnixServer(factory, file));
      const [transport, protocol] = yield* s.wait(createUnixConnection(() => new Notes(), file));
      transport.write('hello');
      transport.close();
      yield* until(s, () => protocol.isLost && factory.made[0]?.isLost === true);
      expect(factory.made[0]!.calls).toEqual(['made', 'data', 'eof', 'lost']);
      expect(factory.made[0]!.received).toBe('hello');
      yield* ended(s, server);
    }),
  );

  it(
    'has its path as an address',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const seen: unknown[] = [];
      const server = yield* s.wait(
        startUnixServer((_reader, writer) => {
          seen.push(writer.getExtraInfo('sockname'), writer.getExtraInfo('peername', 'none'));
          writer.close();
        }, file),
      );
      const { writer } = yield* s.wait(openUnixConnection(file));
      expect(writer.getExtraInfo('peername')).toBe(file);
      expect(writer.getExtraInfo('sockname')).toBe('');
      yield* until(s, () => seen.length > 0);
      expect(seen).toEqual([file, '']);
      yield* closed(s, writer);
      yield* ended(s, server);
    }),
  );

  it(
    'takes the place of one that a server has left behind',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const program = `import net from 'node:net'; net.createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'));`;
      runInProcess(program);
      expect(statSync(file).isSocket()).toBe(true);
      const server = yield* s.wait(startUnixServer(echo(s), file));
      const pair = yield* s.wait(openUnixConnection(file));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'takes the place of one that serves, and keeps it when that is closed',
    networked(s, function* () {
      const place = folder();
      const file = path.join(place, 'socket');
      const first = yield* s.wait(startUnixServer(echo(s), file));
      const before = yield* s.wait(openUnixConnection(file));
      const second = yield* s.wait(startUnixServer(echo(s), file));
      first.close();
      expect(readdirSync(place)).toEqual(['socket']);
      const after = yield* s.wait(openUnixConnection(file));
      yield* hears(s, after);
      yield* hears(s, before);
      expect([first.connections, second.connections]).toEqual([1, 1]);
      for (const { writer } of [before, after]) yield* closed(s, writer);
      yield* ended(s, second);
      expect(readdirSync(place)).toEqual([]);
      yield* ended(s, first);
    }),
  );

  it.runIf(process.platform === 'linux')(
    'needs no file',
    networked(s, function* () {
      const name = `\0asyncio-${process.pid}-${s.name}`;
      const server = yield* s.wait(startUnixServer(echo(s), name, { mode: 0o600 }));
      const pair = yield* s.wait(openUnixConnection(name));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* ended(s, server);
    }),
  );

  it(
    'does not take the place of a file of another kind, which stays as it is',
    networked(s, function* () {
      const file = path.join(folder(), 'precious');
      writeFileSync(file, 'data');
      const error = yield* failure(s, startUnixServer(echo(s), file));
      expect(error).toBeInstanceOf(OSError);
      expect(error).toMatchObject({ code: 'EADDRINUSE', message: expect.stringContaining(file) });
      expect(readFileSync(file, 'utf8')).toBe('data');
    }),
  );

  it(
    'has the permissions that it is asked to have',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const server = yield* s.wait(startUnixServer(echo(s), file, { mode: 0o600 }));
      expect(statSync(file).mode & 0o777).toBe(0o600);
      yield* ended(s, server);
      const later = yield* s.wait(startUnixServer(echo(s), file, { mode: 0o640, startServing: false }));
      expect(existsSync(file)).toBe(false);
      yield* s.wait(later.startServing());
      expect(statSync(file).mode & 0o777).toBe(0o640);
      yield* ended(s, later);
    }),
  );

  it(
    'is not there: the error says so, with its path',
    networked(s, function* () {
      const file = path.join(folder(), 'none');
      const error = yield* failure(s, openUnixConnection(file));
      expect(error).toBeInstanceOf(FileNotFoundError);
      expect(error).toMatchObject({ code: 'ENOENT', message: expect.stringContaining(file) });
    }),
  );

  it(
    'has no listener: the error says so, with its path',
    networked(s, function* () {
      const file = path.join(folder(), 'file');
      writeFileSync(file, '');
      const error = yield* failure(s, openUnixConnection(file));
      expect(error).toMatchObject({
        name: 'ConnectionRefusedError',
        code: 'ECONNREFUSED',
        message: expect.stringContaining(file),
      });
    }),
  );

  it(
    'cannot be made in a folder that is not there',
    networked(s, function* () {
      const file = path.join(folder(), 'no', 'folder');
      const error = yield* failure(s, startUnixServer(echo(s), file));
      // Node says EACCES, the system ENOENT.
      expect(['ENOENT', 'EACCES']).toContain((error as OSError).code);
      expect(error).toBeInstanceOf((error as OSError).code === 'EACCES' ? PermissionError : FileNotFoundError);
      expect((error as Error).message).toContain(file);
    }),
  );

  it(
    'can be that of another server',
    networked(s, function* () {
      const file = path.join(folder(), 'socket');
      const listening = getRunningLoop().createFuture<void>();
      const server = createNodeServer((socket) => socket.pipe(socket));
      server.listen(file, () => listening.setResult(undefined));
      yield* s.wait(listening);
      const pair = yield* s.wait(openUnixConnection(file));
      yield* hears(s, pair);
      yield* closed(s, pair.writer);
      yield* s.wait(wrapPromise(new Promise((resolve) => server.close(resolve))));
    }),
  );
});

describe('the arguments of a Unix socket', () => {
  it.each<[name: string, call: () => unknown, error: object]>([
    ['no path', () => openUnixConnection(''), { name: 'TypeError' }],
    ['a number as path', () => startUnixServer(() => {}, 5 as never), { name: 'TypeError' }],
    ['no handler', () => startUnixServer('x' as never, '/tmp/x'), { name: 'TypeError', code: 'NOT_CALLABLE' }],
    ['half a mode', () => startUnixServer(() => {}, '/tmp/x', { mode: 0.5 }), { name: 'TypeError' }],
    ['TLS without a name', () => openUnixConnection('/tmp/x', { ssl: true }), { name: 'ValueError' }],
    ['a limit below zero', () => openUnixConnection('/tmp/x', { limit: -1 }), { name: 'ValueError' }],
  ])('is refused at once: %s', (_name, call, error) => {
    expect(thrownBy(call)).toMatchObject(error);
  });
});
