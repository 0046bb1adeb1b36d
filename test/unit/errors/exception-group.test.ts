import { ExceptionGroup, ValueError } from 'asyncio-ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** A group as nested arrays of messages, which is easy to compare. */
type Shape = (string | Shape)[];

function shapeOf(group: ExceptionGroup | null): Shape | null {
  return group === null
    ? null
    : group.errors.map((error) => (error instanceof ExceptionGroup ? shapeOf(error)! : (error as Error).message));
}

function groupOf(shape: Shape, message = 'group'): ExceptionGroup {
  const errors = shape.map((part) => {
    if (typeof part !== 'string') return groupOf(part, message);
    return part.startsWith('t') ? new TypeError(part) : new Error(part);
  });
  return new ExceptionGroup(message, errors);
}

describe('an exception group', () => {
  test('is an AggregateError with a message and at least one error', () => {
    const errors = [new Error('one'), new TypeError('two')];
    const group = new ExceptionGroup('several', new Set(errors));
    expect(group).toBeInstanceOf(AggregateError);
    expect([group.message, group.errors]).toEqual(['several', errors]);
  });

  test('of nothing is a ValueError', () => {
    expect(() => new ExceptionGroup('several', [])).toThrow(ValueError);
  });

  test('has a cause when it is given one', () => {
    const cause = new Error('why');
    expect(new ExceptionGroup('several', [1], { cause }).cause).toBe(cause);
    expect('cause' in new ExceptionGroup('several', [1])).toBe(false);
  });
});

describe('split', () => {
  test.each<{ shape: Shape; matching: Shape | null; others: Shape | null }>([
    { shape: ['t1', 'e1', 't2'], matching: ['t1', 't2'], others: ['e1'] },
    { shape: ['t1', 't2'], matching: ['t1', 't2'], others: null },
    { shape: ['e1'], matching: null, others: ['e1'] },
    { shape: ['t1', ['e1', 't2', ['t3']], ['e2']], matching: ['t1', ['t2', ['t3']]], others: [['e1'], ['e2']] },
  ])('keeps the nesting, and gives null for nothing: %o', ({ shape, matching, others }) => {
    const parts = groupOf(shape).split(TypeError);
    expect(parts.map(shapeOf)).toEqual([matching, others]);
    expect(groupOf(shape).subgroup(TypeError)?.errors.length).toBe(matching?.length);
  });

  test('gives the group itself when it matches as a whole', () => {
    const group = groupOf(['t1', ['e1']]);
    expect(group.split(ExceptionGroup)).toEqual([group, null]);
    expect(group.split(ExceptionGroup)[0]).toBe(group);
    expect(group.subgroup(() => true)).toBe(group);
  });

  test('takes a function, which is asked about the groups as well', () => {
    const group = groupOf(['t1', ['e1']]);
    const asked: unknown[] = [];
    const parts = group.split((error) => {
      asked.push(error);
      return (error as Error).message === 'e1';
    });
    expect(parts.map(shapeOf)).toEqual([[['e1']], ['t1']]);
    expect(asked).toEqual([group, group.errors[0], group.errors[1], (group.errors[1] as ExceptionGroup).errors[0]]);
  });

  test('keeps message, cause and stack', () => {
    const cause = new Error('why');
    const group = new ExceptionGroup('several', [new TypeError('t'), new Error('e')], { cause });
    for (const part of group.split(TypeError)) {
      expect(part).toMatchObject({ message: 'several', cause, stack: group.stack });
    }
  });

  test('gives its parts no cause when the group has none', () => {
    const [part] = groupOf(['t', 'e']).split(TypeError);
    expect('cause' in part!).toBe(false);
  });

  test('divides the errors of any group among the two parts, in their order', () => {
    const { shape } = fc.letrec<{ shape: Shape; part: string | Shape }>((tie) => ({
      shape: fc.array(tie('part'), { minLength: 1, maxLength: 4 }),
      part: fc.oneof({ maxDepth: 4 }, fc.stringMatching(/^[te][a-z]{0,3}$/), tie('shape')),
    }));
    const leaves = (shape: Shape | null): string[] =>
      (shape ?? []).flatMap((part) => (typeof part === 'string' ? part : leaves(part)));
    fc.assert(
      fc.property(shape, (shape) => {
        const group = groupOf(shape);
        const [matching, others] = group.split(TypeError).map(shapeOf);
        const isMatching = (message: string) => message.startsWith('t');
        expect(leaves(matching!)).toEqual(leaves(shape).filter(isMatching));
        expect(leaves(others!)).toEqual(leaves(shape).filter((message) => !isMatching(message)));
        expect(shapeOf(group)).toEqual(shape); // as it was
      }),
    );
  });
});

describe('derive', () => {
  class HttpErrors extends ExceptionGroup {
    readonly status: number;

    constructor(message: string, errors: Iterable<unknown>, status: number) {
      super(message, errors);
      this.status = status;
    }

    override derive(errors: Iterable<unknown>): HttpErrors {
      return new HttpErrors(this.message, errors, this.status);
    }
  }

  test('makes a group with the same message', () => {
    const group = groupOf(['e1']).derive([new Error('other')]);
    expect([group.message, shapeOf(group)]).toEqual(['group', ['other']]);
  });

  test('lets the parts of a subclass be of that class', () => {
    const group = new HttpErrors('http', [new TypeError('t'), new Error('e')], 503);
    for (const part of group.split(TypeError)) {
      expect(part).toBeInstanceOf(HttpErrors);
      expect(part).toMatchObject({ status: 503, message: 'http' });
    }
  });
});
