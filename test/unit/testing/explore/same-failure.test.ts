import { DeadlockError } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { isSameFailure } from '../../../../src/testing/explore/shrink.ts';

const deadlock = (...cycle: string[]) => ({ error: new DeadlockError('nothing is left', cycle) });

test('a deadlock is another one when other tasks wait for each other', () => {
  expect(isSameFailure(deadlock('reader', 'writer'), deadlock('reader', 'closer'))).toBe(false);
  expect(isSameFailure(deadlock('reader', 'writer'), deadlock())).toBe(false);
});

test('a deadlock is the same wherever its circle begins, and whatever the numbers of its tasks', () => {
  expect(isSameFailure(deadlock('reader', 'writer'), deadlock('writer', 'reader'))).toBe(true);
  expect(isSameFailure(deadlock('Task-2', 'Task-3'), deadlock('Task-5', 'Task-2'))).toBe(true);
});
