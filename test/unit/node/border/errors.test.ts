import assert from 'node:assert';
import { types } from 'node:util';
import * as core from 'asyncio-ts';
import { CancelledError, ExceptionGroup, KeyboardInterrupt, RuntimeError, SystemExit, ValueError } from 'asyncio-ts';
import * as node from 'asyncio-ts/node';
import { CalledProcessError, FileNotFoundError, IncompleteReadError, LimitOverrunError } from 'asyncio-ts/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { borders, carried, hostileProxy, thrownOver } from './support.ts';

type ErrorClass = new (...args: never[]) => Error;

/** Every class of errors that the library exports. */
const CLASSES = Object.entries({ ...core, ...node } as Record<string, unknown>).filter(
  (entry): entry is [string, ErrorClass] =>
    typeof entry[1] === 'function' && entry[1].prototype instanceof Error && entry[1] !== CancelledError,
);

const SAMPLES: Record<string, () => Error> = {
  ExceptionGroup: () => new ExceptionGroup('several', [new ValueError('v')]),
  CalledProcessError: () =>
    new CalledProcessError(['false', 'x'], { returncode: 3, stdout: new Uint8Array([1]), stderr: 'no' }),
  IncompleteReadError: () => new IncompleteReadError(new Uint8Array([1, 2]), 5),
  LimitOverrunError: () => new LimitOverrunError('too long', 7),
  ProcessTimeoutError: () =>
    new node.ProcessTimeoutError(['sleep', '9'], {
      seconds: 1,
      returncode: null,
      stdout: 'begun',
      stderr: new Uint8Array([1]),
      cause: new ValueError('why'),
    }),
  SystemExit: () => new SystemExit(3),
};

function ownData(error: Error): Record<string, unknown> {
  return Object.fromEntries(Object.getOwnPropertyNames(error).map((key) => [key, error[key as keyof Error]]));
}

for (const border of borders) {
  describe(`an error on its way to another ${border}`, () => {
    test('is tested in all classes of the library', () => {
      expect(CLASSES.length).toBeGreaterThan(25);
    });

    test.each(CLASSES)('is of its class, with all its fields: %s', (name, Class) => {
      const error = SAMPLES[name]?.() ?? Reflect.construct(Class, ['a message', { code: 'OWN', cause: 'why' }]);
      const arrived = thrownOver(error, border) as Error;
      expect(Object.getPrototypeOf(arrived)).toBe(Class.prototype);
      expect(arrived.name).toBe(error.name);
      expect(ownData(arrived)).toEqual(ownData(error));
      expect(types.isNativeError(arrived)).toBe(true);
    });

    test.each([
      new TypeError('m'),
      new RangeError('m'),
      new SyntaxError('m'),
      new AggregateError([new TypeError('t')], 'm'),
      new FileNotFoundError('gone', { code: 'ENOENT', errno: -2, syscall: 'open', path: '/nope' }),
      new KeyboardInterrupt('^C'),
    ])('keeps class, message, stack and fields: %s', (error) => {
      const arrived = thrownOver(error, border) as Error;
      expect(arrived).toBeInstanceOf(error.constructor);
      expect(ownData(arrived)).toEqual(ownData(error));
      expect(Object.keys(arrived)).toEqual(Object.keys(error));
    });

    test('of a class that extends one that is known is of that one, and has the name that it had', () => {
      class ConfigError extends RuntimeError {
        readonly file = '/etc/x';
        override get name(): string {
          return 'ConfigError';
        }
      }
      const arrived = thrownOver(new ConfigError('bad', { code: 'BAD' }), border);
      expect(arrived).toBeInstanceOf(RuntimeError);
      expect(arrived).toMatchObject({ name: 'ConfigError', message: 'bad', code: 'BAD', file: '/etc/x' });
    });

    test('of a class of the program with the name of a library class is not an error of the library', () => {
      class TimeoutError extends Error {
        override name = 'TimeoutError';
      }
      class OSError extends TypeError {
        override get name(): string {
          return 'OSError';
        }
      }
      const arrived = [new TimeoutError('late'), new OSError('own')].map((error) => thrownOver(error, border));
      expect(arrived[0]).not.toBeInstanceOf(core.TimeoutError);
      expect(arrived[1]).not.toBeInstanceOf(node.OSError);
      expect(arrived[1]).toBeInstanceOf(TypeError);
      expect(arrived.map(String)).toEqual(['TimeoutError: late', 'OSError: own']);
    });

    test('may come from the runtime', () => {
      const aborted = thrownOver(AbortSignal.abort().reason, border);
      expect(aborted).toBeInstanceOf(DOMException);
      expect(aborted).toMatchObject({ name: 'AbortError', code: 20 });
      const asserted = new assert.AssertionError({ actual: { a: 1 }, expected: { a: 2 }, operator: 'deepEqual' });
      const { name, message, code, actual, expected } = asserted;
      expect(thrownOver(asserted, border)).toMatchObject({ name, message, code, actual, expected });
    });

    test('is a cancellation by name only: that of another task', () => {
      const cancelled = thrownOver(new CancelledError('why'), border);
      expect(cancelled).not.toBeInstanceOf(CancelledError);
      expect(cancelled).toMatchObject({ name: 'CancelledError', message: 'why', code: 'CANCELLED', args: ['why'] });
    });

    test('keeps its causes and members, which may refer to each other', () => {
      const outer = new Error('outer', { cause: new TypeError('middle', { cause: 'text' }) });
      const { cause } = thrownOver(outer, border) as { cause: Error };
      expect(cause).toBeInstanceOf(TypeError);
      expect(cause.cause).toBe('text');
      const group = new AggregateError([], 'all');
      for (let i = 0; i < 1_000; i++) group.errors.push(new Error(`member ${i}`, { cause: group }));
      const arrived = thrownOver(group, border) as AggregateError;
      expect(arrived.errors).toHaveLength(1_000);
      expect(arrived.errors.every((member) => member.cause === arrived)).toBe(true);
      expect('cause' in (thrownOver(new Error('none'), border) as Error)).toBe(false);
    });

    test('may be the last of twenty thousand causes', () => {
      let error = new Error('first');
      for (let i = 0; i < 20_000; i++) error = new Error('next', { cause: error });
      let length = 0;
      for (let at = thrownOver(error, border); at instanceof Error; at = at.cause) length++;
      expect(length).toBe(20_001);
    });

    test('keeps what can be kept of its fields', () => {
      const fields = { where: new URL('http://a.b/'), how: [1, { f() {} }], toJSON: () => 1, hint: Symbol('s') };
      const arrived = thrownOver(Object.assign(new Error('e'), { status: 404, fields }), border);
      expect(arrived).toMatchObject({
        message: 'e',
        status: 404,
        fields: { where: 'http://a.b/', how: [1, {}], hint: 'Symbol(s)' },
      });
    });

    test('does not bring everything along that a program has', () => {
      const all = Array.from({ length: 100_000 }, () => ({ object: {} }));
      const arrived = thrownOver(Object.assign(new Error('e'), { all }), border) as { all: unknown[] };
      expect(arrived.all).toHaveLength(100_000);
      expect(arrived.all[0]).toBeTypeOf('object');
      expect(arrived.all.at(-1)).toBe('<Object object>');
    });

    test('is of its class within arguments and results, too', () => {
      const settled = [
        { status: 'rejected', reason: new ValueError('v', { code: 'OWN' }) },
        new Set([new TypeError('t')]),
      ];
      const [first, second] = carried(settled, border) as [{ reason: unknown }, Set<unknown>];
      expect(first.reason).toBeInstanceOf(ValueError);
      expect(first.reason).toMatchObject({ message: 'v', code: 'OWN' });
      expect([...second][0]).toBeInstanceOf(TypeError);
    });
  });

  describe(`a thrown value on its way to another ${border}`, () => {
    test.each([1n, 'text', null, undefined, 42, Number.NaN, { code: 1, inner: ['a'] }, [1, 2], new Map([[1, 2]])])(
      'may be no error at all: %o',
      (thrown) => {
        expect(thrownOver(thrown, border)).toEqual(thrown);
      },
    );

    test('becomes a text where it cannot be carried', () => {
      expect(thrownOver(Symbol('s'), border)).toBe('Symbol(s)');
      expect(thrownOver(function f() {}, border)).toBe('f()');
      expect(thrownOver(new Proxy({}, {}), border)).toBe('<Proxy>');
      expect(thrownOver(Promise.resolve(), border)).toMatch(/promise/i);
      expect(thrownOver({ toString: () => 'x', a: 1 }, border)).toEqual({ a: 1 });
    });

    test('can neither hang nor replace its own error, whatever it is', () => {
      const circular = new Error('circular');
      circular.cause = circular;
      const nameless = Object.defineProperty(new Error('m'), 'name', {
        get() {
          throw new Error('a getter');
        },
      });
      const stranger = Object.assign(Object.create(Error.prototype), { message: Symbol('m') });
      const unprinted = Object.defineProperty(new Error('s'), 'stack', { value: 42 });
      const hostile = [
        hostileProxy(),
        hostileProxy(new Error('inside')),
        new Proxy(new RangeError('r'), {}),
        Object.freeze(new TypeError('frozen')),
        circular,
        nameless,
        stranger,
        unprinted,
        Object.create(null),
        new Error('hostile cause', { cause: hostileProxy() }),
        new AggregateError([undefined, null, Symbol('s'), hostileProxy(), circular]),
        Object.assign(new AggregateError([]), { errors: 42 }),
        Object.assign(new Error(), { constructor: null, __proto__: null }),
        Object.setPrototypeOf(new Error('orphan'), null),
      ];
      // By number, for fast-check and its reports would ask the values themselves.
      const number = fc.nat({ max: hostile.length - 1 });
      const fields = fc.record({
        cause: fc.oneof(number, fc.anything()),
        name: fc.anything(),
        message: fc.anything(),
        stack: fc.anything(),
      });
      fc.assert(
        fc.property(fields, fc.anything(), ({ cause, ...others }, anything) => {
          const error = new Error('e', { cause: typeof cause === 'number' ? hostile[cause] : cause });
          for (const [key, value] of Object.entries(others)) Object.defineProperty(error, key, { value });
          expect(types.isNativeError(thrownOver(error, border))).toBe(true);
          thrownOver(anything, border);
        }),
      );
      for (const value of hostile) {
        const arrived = thrownOver(value, border);
        if (types.isNativeError(value)) expect(types.isNativeError(arrived)).toBe(true);
      }
      expect(String(thrownOver(new Proxy(new RangeError('r'), {}), border))).toBe('RangeError: r');
      expect(thrownOver(Object.freeze(new TypeError('frozen')), border)).toBeInstanceOf(TypeError);
    });
  });
}
