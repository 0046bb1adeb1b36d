import { CancelledError, ExceptionGroup, QueueFull, RuntimeError, ValueError } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { type PortableError, portableError } from '../../../src/node/portable-error.ts';
import { reviveError } from '../../../src/node/revive-error.ts';

/** What arrives in another thread. */
function carried(thrown: unknown): unknown {
  return reviveError(structuredClone(portableError(thrown)) as PortableError);
}

describe('an error that goes to another thread', () => {
  test.each([
    new TypeError('m'),
    new RangeError('m'),
    new Error('m'),
    new ValueError('m', { code: 'OWN' }),
    new RuntimeError('m'),
    new QueueFull('m'),
  ])('keeps class, message, stack and code: %s', (error) => {
    const arrived = carried(error) as Error & { code?: string };
    expect(arrived).toBeInstanceOf(error.constructor);
    const { name, message, stack, code } = error as Error & { code?: string };
    expect([arrived.name, arrived.message, arrived.stack, arrived.code]).toEqual([name, message, stack, code]);
  });

  test('keeps its causes, also when they go round in circles', () => {
    const outer = new Error('outer', { cause: new TypeError('middle', { cause: 'text' }) });
    const cause = (carried(outer) as Error).cause as Error;
    expect(cause).toBeInstanceOf(TypeError);
    expect(cause.cause).toBe('text');
    const circle = new Error('circle');
    circle.cause = circle;
    expect((carried(circle) as Error).cause).toMatchObject({ message: 'circle' });
    expect('cause' in (carried(new Error('none')) as Error)).toBe(false);
  });

  test('keeps the errors of a group', () => {
    const group = carried(new ExceptionGroup('several', [new ValueError('a'), new Error('b')])) as ExceptionGroup;
    expect(group).toBeInstanceOf(ExceptionGroup);
    expect(group.errors.map(String)).toEqual(['ValueError: a', 'Error: b']);
    expect(group.errors[0]).toBeInstanceOf(ValueError);
    const aggregate = carried(new AggregateError([], 'none'));
    expect(aggregate).toBeInstanceOf(AggregateError);
  });

  test('of a class that is not known has its name, and a cancellation is none here', () => {
    class OwnError extends Error {
      override name = 'OwnError';
    }
    expect(carried(new OwnError('own'))).toMatchObject({ name: 'OwnError', message: 'own' });
    const cancelled = carried(new CancelledError('why'));
    expect(cancelled).not.toBeInstanceOf(CancelledError);
    expect(cancelled).toMatchObject({ name: 'CancelledError', message: 'why', code: 'CANCELLED' });
  });

  test('may be no error at all', () => {
    expect([1n, 'text', null, undefined, 42].map(carried)).toEqual([1n, 'text', null, undefined, 42]);
    expect(carried({ toString: () => 'an object' })).toBe('an object');
    expect(carried(Object.create(null))).toBe('[object Object]');
    expect(carried(Symbol('s'))).toBe('Symbol(s)');
  });
});
