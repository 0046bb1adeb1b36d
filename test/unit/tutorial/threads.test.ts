import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { asyncio } from '../../support/command.ts';

// A real thread needs a real process: its file is loaded by the runtime, not by the test runner.
it.each(['async', 'generators'])(
  'a worker thread has a loop only when one is set, spelled with %s',
  async (spelling) => {
    const file = new URL(`../../../examples/tutorial/07-a-loop-for-each-thread/${spelling}.ts`, import.meta.url);
    expect(await asyncio(['run', fileURLToPath(file)])).toEqual({
      code: 0,
      stdout: [
        'main thread: one and the same loop',
        'worker thread: RuntimeError',
        'worker thread: the new loop is the one of this thread',
        'worker thread: and it works',
      ],
      stderr: '',
    });
  },
);
