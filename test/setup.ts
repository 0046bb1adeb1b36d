import fc from 'fast-check';
import { afterEach } from 'vitest';
import { isWatching } from '../src/kernel/coroutine.ts';

// Runs are repeatable: FC_SEED=random explores, FC_SEED=<number> repeats what a failure printed.
const seed = process.env['FC_SEED'] ?? '20260101';
if (seed !== 'random') fc.configureGlobal({ seed: Number(seed) });

// Files share a process. While any loop is in debug mode, every coroutine is watched: what one test never awaits would be reported in
// the midst of another, whenever the collector comes by.
afterEach(() => {
  if (isWatching()) throw new Error('this test has left a loop in debug mode: write using loop = …');
});
