import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  BaseProtocol,
  createServer,
  createSubprocessExec,
  createSubprocessShell,
  createUnixServer,
  openFile,
  runProcess,
  SubprocessProtocol,
  startServer,
  startUnixServer,
  subprocessExec,
  subprocessShell,
} from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { muteLog } from '../../support/loops.ts';
import { runVirtually } from '../../support/spellings.ts';

const socketPath = path.join(tmpdir(), 'never-listened-to.sock');
const handler = async () => {};

describe('a coroutine that is never awaited', () => {
  it.each([
    ['startServer', () => startServer(handler, '127.0.0.1', 0)],
    ['startUnixServer', () => startUnixServer(handler, socketPath)],
    ['createServer', () => createServer(() => new BaseProtocol(), '127.0.0.1', 0)],
    ['createUnixServer', () => createUnixServer(() => new BaseProtocol(), socketPath)],
    ['createSubprocessExec', () => createSubprocessExec('true')],
    ['createSubprocessShell', () => createSubprocessShell('true')],
    ['subprocessExec', () => subprocessExec(() => new SubprocessProtocol(), 'true')],
    ['subprocessShell', () => subprocessShell(() => new SubprocessProtocol(), 'true')],
    ['runProcess', () => runProcess('true')],
  ])('is reported once in debug mode, by the name that was called: %s', async (name, call) => {
    const warn = muteLog('warn');
    const shown: string[] = [];
    await runVirtually(
      async () => {
        shown.push(String(call()));
      },
      { debug: true },
    );
    expect(shown).toEqual([`<coroutine ${name}() created>`]);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(`^coroutine '${name}' was never awaited`)]]);
  });
});

it('each method of a file is shown by its own name', async () => {
  await using file = await openFile(path.join(tmpdir(), `asyncio-names-${process.pid}`), 'w+');
  const writes = [file.write(new Uint8Array(1)), file.writelines([])];
  expect(writes.map(String)).toEqual(['<coroutine write() created>', '<coroutine writelines() created>']);
});
