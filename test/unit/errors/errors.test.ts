import {
  BrokenBarrierError,
  CancelledError,
  ExceptionGroup,
  InvalidStateError,
  KeyboardInterrupt,
  LookupError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  SystemExit,
  TimeoutError,
  ValueError,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { leavesTheLoop } from '../../../src/errors/errors.ts';

describe('an error of the library', () => {
  test.each([
    [new CancelledError('text'), 'CancelledError', 'CANCELLED'],
    [new InvalidStateError('text'), 'InvalidStateError', 'INVALID_STATE'],
    [new TimeoutError('text'), 'TimeoutError', 'TIMED_OUT'],
    [new RuntimeError('text'), 'RuntimeError', 'RUNTIME'],
    [new ValueError('text'), 'ValueError', 'INVALID_VALUE'],
    [new LookupError('text'), 'LookupError', 'NOT_FOUND'],
    [new KeyboardInterrupt('text'), 'KeyboardInterrupt', 'INTERRUPTED'],
    [new SystemExit('text'), 'SystemExit', 'EXIT'],
    [new ExceptionGroup('text', [1]), 'ExceptionGroup', 'EXCEPTION_GROUP'],
    [new BrokenBarrierError('text'), 'BrokenBarrierError', 'BROKEN_BARRIER'],
    [new QueueEmpty('text'), 'QueueEmpty', 'QUEUE_EMPTY'],
    [new QueueFull('text'), 'QueueFull', 'QUEUE_FULL'],
    [new QueueShutDown('text'), 'QueueShutDown', 'QUEUE_SHUT_DOWN'],
  ])('has its name, a message and a code: %o', (error, name, code) => {
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.message, error.code]).toEqual([name, 'text', code]);
    expect(String(error)).toBe(`${name}: text`);
    expect(error.stack).toContain('errors.test.ts');
  });

  test.each([InvalidStateError, TimeoutError, RuntimeError, ValueError, LookupError])(
    '$name takes a code and a cause, and has no cause unless given one',
    (Class) => {
      const cause = new Error('why');
      const error = new Class('text', { code: 'MY_CODE', cause });
      expect([error.code, error.cause]).toEqual(['MY_CODE', cause]);
      expect('cause' in new Class('text')).toBe(false);
    },
  );

  test('that is a ValueError is a RangeError, as JavaScript has it', () => {
    expect(new ValueError()).toBeInstanceOf(RangeError);
  });
});

describe('a CancelledError', () => {
  test('keeps what cancel() was given as it was, and shows it as text', () => {
    const reason = { toString: () => 'reason' };
    expect(new CancelledError(reason).args).toEqual([reason]);
    expect(new CancelledError(reason).message).toBe('reason');
    expect(new CancelledError()).toMatchObject({ args: [], message: '' });
    expect(new CancelledError('')).toMatchObject({ args: [''], message: '' });
  });

  test.each([
    [{ code: 7 }, '<Object object>'],
    [[{ code: 7 }, 8], '[<Object object>, 8]'],
    [Object.create(null), '<object>'],
    [new Map(), '<Map object>'],
    [new Proxy({}, { get: () => 1 }), '<object>'],
    [new RangeError('too far'), 'RangeError: too far'],
    [Symbol('s'), 'Symbol(s)'],
    ['[object Object]', '[object Object]'],
  ])('describes a reason that has no text of its own, as in case %#', (reason, message) => {
    const error = new CancelledError(reason);
    expect(error.message).toBe(message);
    expect(error.args[0]).toBe(reason);
  });
});

describe('a SystemExit', () => {
  test.each([
    [[], 0, '0'],
    [[3], 3, '3'],
    [['out of memory'], 1, 'out of memory'],
  ] as [[] | [number | string], number, string][])('of %o has an exit code', (args, exitCode, message) => {
    expect(new SystemExit(...args)).toMatchObject({ exitCode, message });
  });
});

describe('leavesTheLoop', () => {
  test('is true of KeyboardInterrupt and SystemExit only', () => {
    const errors = [new KeyboardInterrupt(), new SystemExit(), new CancelledError(), new Error(), 'text', undefined];
    expect(errors.map(leavesTheLoop)).toEqual([true, true, false, false, false, false]);
  });
});
