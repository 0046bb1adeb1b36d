import { createTask, getRunningLoop, sleep } from 'asyncio-ts';
import { captureWaitGraph, type WaitEdge } from 'asyncio-ts/inspect';
import {
  createSubprocessExec,
  openConnection,
  readFile,
  type StreamReader,
  type StreamWriter,
  startServer,
  toThread,
} from 'asyncio-ts/node';
import { expect, test } from 'vitest';
import { realProgram } from '../../support/real-programs.ts';
import { describeBoth } from '../../support/spellings.ts';

/** What a task of a name waits for. */
function waitOf(name: string): WaitEdge | undefined {
  return captureWaitGraph(getRunningLoop()).tasks.find((task) => task.name === name)?.waits[0];
}

describeBoth('the wait-for graph of a program with sockets, processes and threads', (s) => {
  const begin = (name: string, awaitable: () => unknown) =>
    createTask(
      s.fn(function* () {
        yield* s.wait(awaitable());
      }),
      { name },
    );

  test(
    'names the connection that is read from and written to, and the server that is waited for',
    realProgram(s, function* () {
      const server = yield* s.wait(
        startServer(
          s.fn(function* (_reader: StreamReader, writer: StreamWriter) {
            yield* s.wait(sleep(60));
            writer.close();
          }),
          '127.0.0.1',
          0,
        ),
      );
      const { port } = server.sockets[0]!.address() as { port: number };
      const [reader, writer] = yield* s.wait(openConnection('127.0.0.1', port));
      const tasks = [
        begin('reads', () => reader.readline()),
        begin('closes', () => server.waitClosed()),
        begin('drains', () => {
          writer.write(new Uint8Array(30_000_000));
          return writer.drain();
        }),
      ];
      yield* s.wait(sleep(0.05));
      expect(waitOf('reads')).toMatchObject({ operation: 'readline', kind: 'SocketTransport' });
      expect(waitOf('reads')?.object).toContain(`peer=127.0.0.1:${port}`);
      expect(waitOf('drains')).toMatchObject({ operation: 'drain', kind: 'StreamReaderProtocol' });
      expect(waitOf('drains')?.object).toContain(`peer=127.0.0.1:${port}`);
      expect(waitOf('closes')).toMatchObject({ operation: 'waitClosed', kind: 'Server' });
      for (const task of tasks) task.cancel();
      writer.transport.abort();
      server.close();
    }),
  );

  test(
    'names the process, the job of an executor and the file',
    realProgram(s, function* () {
      const process = yield* s.wait(createSubprocessExec('sleep', '30'));
      const spin = (): void => {
        const end = Date.now() + 1_000;
        while (Date.now() < end);
      };
      const tasks = [
        begin('process', () => process.wait()),
        begin('job', () => getRunningLoop().runInExecutor(null, spin)),
        begin('thread', () => toThread(spin)),
      ];
      yield* s.wait(sleep(0.05));
      expect(waitOf('process')).toMatchObject({ operation: 'wait', kind: 'Process' });
      expect(waitOf('process')?.object).toContain(String(process.pid));
      expect(waitOf('job')).toMatchObject({ operation: 'runInExecutor', kind: 'Job', isForeign: true });
      expect(waitOf('job')?.object).toContain('fn=spin()');
      expect(waitOf('thread')).toMatchObject({ operation: 'toThread', kind: 'Job', isForeign: true });
      process.kill();
      for (const task of tasks) yield* s.wait(task);
      const reading = begin('file', () => readFile(new URL(import.meta.url)));
      // One step, in which the file is asked for: what it brings comes through the runtime, and not earlier.
      yield* s.wait(sleep(0));
      yield* s.wait(sleep(0));
      expect(waitOf('file')).toMatchObject({ operation: 'readFile', isForeign: true });
      yield* s.wait(reading);
    }),
  );
});
