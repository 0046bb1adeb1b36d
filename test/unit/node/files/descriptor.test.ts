import { CancelledError, createTask } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { OSError } from '../../../../src/errors/os-error.ts';
import { failure, iterations } from '../../../support/programs.ts';
import { realProgram } from '../../../support/real-programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { called, FakeHandle, text } from './support.ts';

describeBoth('an operation that is cancelled', (s) => {
  test(
    'before its turn is not done at all',
    realProgram(s, function* () {
      const handle = new FakeHandle('abc');
      const file = handle.file();
      const first = createTask(() => file.write('1'));
      const second = createTask(() => file.write('2'));
      const third = createTask(() => file.write('3'));
      yield* called(s, handle, 1);
      second.cancel();
      expect(yield* failure(s, second)).toBeInstanceOf(CancelledError);
      handle.go();
      yield* called(s, handle, 2);
      handle.go();
      yield* s.wait(first);
      yield* s.wait(third);
      expect(handle.log).toEqual(['write', 'write']);
      expect(new TextDecoder().decode(handle.content)).toBe('13c');
      const closing = createTask(() => file.close()); // waits for nothing that was given up
      yield* called(s, handle, 3);
      handle.go();
      yield* s.wait(closing);
    }),
  );

  test(
    'as a read ends at once, and the bytes that it reads are there for the next read',
    realProgram(s, function* () {
      const handle = new FakeHandle('one\ntwo\n');
      const file = handle.file();
      const task = createTask(() => file.readline());
      yield* called(s, handle, 1);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError); // the call has not ended
      const next = createTask(() => file.readline());
      yield* iterations(s, 3);
      expect(next.done()).toBe(false);
      handle.go();
      expect(text(yield* s.wait(next))).toBe('one\n');
      expect(handle.log).toEqual(['read']); // no second one was wanted
      expect(yield* s.wait(file.tell())).toBe(4);
    }),
  );

  test(
    'as a read loses nothing when its call has just ended',
    realProgram(s, function* () {
      const handle = new FakeHandle('abc');
      const file = handle.file();
      const task = createTask(() => file.read(2));
      yield* called(s, handle, 1);
      handle.go();
      task.cancel(); // the wait for what has come
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(text(yield* s.wait(file.readexactly(3)))).toBe('abc');
      expect(handle.log).toEqual(['read']);
    }),
  );

  test(
    'as a write ends at once, and all of it is written before the next one',
    realProgram(s, function* () {
      const handle = new FakeHandle();
      handle.most = 3;
      const file = handle.file();
      const task = createTask(() => file.write('0123456'));
      yield* called(s, handle, 1);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      const next = createTask(() => file.write('x'));
      const flushed = createTask(() => file.flush());
      for (let i = 1; i <= 3; i++) {
        yield* called(s, handle, i);
        handle.go();
      }
      yield* called(s, handle, 4);
      expect(new TextDecoder().decode(handle.content)).toBe('0123456');
      expect(flushed.done()).toBe(false);
      handle.go();
      yield* s.wait(next);
      yield* s.wait(flushed);
      expect(new TextDecoder().decode(handle.content)).toBe('0123456x');
      expect(yield* s.wait(file.tell())).toBe(8);
    }),
  );

  test(
    'while it waits for a call that was left behind gives its turn to the next one',
    realProgram(s, function* () {
      const handle = new FakeHandle('abc');
      const file = handle.file();
      const tasks = [1, 2, 3].map(() => createTask(() => file.read(1)));
      yield* called(s, handle, 1);
      for (const task of tasks.slice(0, 2)) {
        task.cancel();
        yield* iterations(s, 2);
        expect(task.cancelled()).toBe(true);
      }
      handle.go();
      expect(text(yield* s.wait(tasks[2]!))).toBe('a');
    }),
  );
});

describeBoth('a write that fails after it was left behind', (s) => {
  const leave = function* (
    handle: FakeHandle,
    file: ReturnType<FakeHandle['file']>,
  ): Generator<unknown, void, unknown> {
    const task = createTask(() => file.write('0123'));
    yield* called(s, handle, 1);
    task.cancel();
    yield* failure(s, task);
  };

  test(
    'is thrown by the next operation, once',
    realProgram(s, function* () {
      const handle = new FakeHandle();
      const file = handle.file();
      yield* leave(handle, file);
      const next = createTask(() => file.flush());
      yield* iterations(s, 2);
      handle.fail('ENOSPC');
      const error = yield* failure(s, next);
      expect(error).toBeInstanceOf(OSError);
      expect(error).toMatchObject({ code: 'ENOSPC', syscall: 'write' });
      yield* s.wait(file.flush());
      expect(yield* s.wait(file.tell())).toBe(0);
    }),
  );

  test(
    'is thrown by close(), which closes anyway',
    realProgram(s, function* () {
      const handle = new FakeHandle();
      const file = handle.file();
      yield* leave(handle, file);
      const closing = createTask(() => file.close());
      yield* iterations(s, 2);
      expect(handle.log).toEqual(['write']);
      handle.fail('ENOSPC');
      yield* called(s, handle, 2);
      handle.go();
      expect(yield* failure(s, closing)).toMatchObject({ code: 'ENOSPC' });
      expect(handle.log).toEqual(['write', 'close']);
    }),
  );

  test(
    'does not hide why a block was left, but is reported',
    realProgram(s, function* (reports) {
      const handle = new FakeHandle();
      const file = handle.file();
      const task = createTask(async () => {
        await using _ = file;
        await file.write('0123');
      });
      yield* called(s, handle, 1);
      task.cancel();
      yield* iterations(s, 2);
      handle.fail('ENOSPC');
      yield* called(s, handle, 2);
      handle.go();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(reports.splice(0)).toMatchObject([
        { message: `Writing to ${file} failed after a cancellation`, exception: { code: 'ENOSPC' } },
      ]);
    }),
  );
});

describeBoth('closing', (s) => {
  test(
    'waits for the call under way, also when it is cancelled',
    realProgram(s, function* () {
      const handle = new FakeHandle('abc');
      const file = handle.file();
      const reading = createTask(() => file.read());
      yield* called(s, handle, 1);
      const closing = createTask(() => file.close());
      yield* iterations(s, 2);
      closing.cancel();
      expect(yield* failure(s, closing)).toBeInstanceOf(CancelledError);
      expect(handle.log).toEqual(['read']);
      reading.cancel();
      expect(yield* failure(s, reading)).toBeInstanceOf(CancelledError);
      yield* iterations(s, 2);
      expect(handle.log).toEqual(['read']);
      handle.go();
      yield* called(s, handle, 2);
      expect(handle.log).toEqual(['read', 'close']);
      const again = createTask(() => file.close());
      yield* iterations(s, 2);
      expect(again.done()).toBe(false);
      handle.go();
      yield* s.wait(again);
    }),
  );

  test(
    'that fails is thrown in the waiting task, or reported to the loop',
    realProgram(s, function* (reports) {
      const told = new FakeHandle();
      const file = told.file();
      const closing = createTask(() => file.close());
      yield* called(s, told, 1);
      told.fail();
      expect(yield* failure(s, closing)).toMatchObject({ name: 'OSError', code: 'EIO' });

      const untold = new FakeHandle();
      const other = untold.file();
      const cancelled = createTask(() => other.close());
      yield* called(s, untold, 1);
      cancelled.cancel();
      yield* failure(s, cancelled);
      untold.fail();
      while (reports.length === 0) yield* iterations(s, 1);
      expect(reports.splice(0)).toMatchObject([
        { message: `Closing ${other} failed after a cancellation`, exception: { code: 'EIO' } },
      ]);
    }),
  );
});
