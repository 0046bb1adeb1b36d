import { describe, expect, test } from 'vitest';
import { OneByOne } from '../../../../src/node/datagram/one-by-one.ts';

describe('datagrams that are sent one by one', () => {
  test('leave in order, each when the one before has left', () => {
    const order = new OneByOne();
    const begun: string[] = [];
    const overs: (() => void)[] = [];
    const add = (name: string): void =>
      order.add((over) => {
        begun.push(name);
        overs.push(over);
      });
    for (const name of ['a', 'b', 'c']) add(name);
    expect(begun).toEqual(['a']);
    overs[0]?.();
    expect(begun).toEqual(['a', 'b']);
    overs[1]?.();
    overs[2]?.();
    add('d');
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  test('are not held back by one that fails at once', () => {
    const order = new OneByOne();
    const begun: number[] = [];
    for (let i = 0; i < 3; i++) {
      order.add((over) => {
        begun.push(i);
        over();
      });
    }
    expect(begun).toEqual([0, 1, 2]);
  });

  test('concern Deno alone', () => {
    expect(OneByOne.ofRuntime()).toBeNull();
  });
});
