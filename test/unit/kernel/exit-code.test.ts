import { expect, test } from 'vitest';
import { exitWithCode } from '../../../src/kernel/runtime/platform.ts';

test('the exit codes of many errors take one listener of the process: a REPL may be interrupted a hundred times', () => {
  exitWithCode(new Error('the first'), 130);
  const before = process.listenerCount('uncaughtExceptionMonitor');
  for (let i = 0; i < 100; i++) exitWithCode(new Error(`interrupt ${i}`), 130);
  expect(process.listenerCount('uncaughtExceptionMonitor')).toBe(before);
});
