import type { CoroutineFunction } from 'asyncio-ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runVirtually } from '../../support/spellings.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs the main of a program as `asyncio run` does, but in simulated time. Gives what it prints, and its time. */
async function play(program: string, spelling: string) {
  const file = new URL(`../../../examples/tutorial/${program}/${spelling}.ts`, import.meta.url);
  const { main }: { main: CoroutineFunction<unknown> } = await import(file.href);
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((...words) => {
    lines.push(words.join(' '));
  });
  const { seconds } = await runVirtually(main);
  return { lines, seconds: Number(seconds.toFixed(6)) };
}

describe.each(['async', 'generators'])('what the programs of the tutorial print, spelled with %s', (spelling) => {
  it('shows the time of each way to wait for two', async () => {
    expect(await play('01-gather-and-wait', spelling)).toEqual({
      lines: [
        'withGather: do1,do3 in 3.0 s',
        'withWait: do1,do3 in 3.0 s',
        'withTasks: do1,do3 in 3.0 s',
        'oneAfterTheOther: do1,do3 in 4.0 s',
      ],
      seconds: 13,
    });
  });

  it('shows the results of 99', async () => {
    expect(await play('03-ninety-nine', spelling)).toEqual({
      lines: [
        'collectedInside: 99 results, 1 to 99',
        '99 done, 0 pending',
        'doneAndPending: 99 results, 1 to 99',
        'inOrder: 99 results, 1 to 99',
      ],
      seconds: 6,
    });
  });

  it('shows a result asked for too early, and in time', async () => {
    const { lines } = await play('04-result-too-early', spelling);
    expect(lines).toEqual([expect.stringMatching(/^too early: InvalidStateError: Result is not /), 'in time: do1']);
  });

  it('shows what is done and what is pending for each way to return', async () => {
    expect(await play('05-return-when', spelling)).toEqual({
      lines: [
        'FIRST_COMPLETED: done quick; pending failing,slow',
        'FIRST_EXCEPTION: done quick,failing; pending slow',
        'ALL_COMPLETED: done quick,failing,slow; pending ',
      ],
      seconds: 6,
    });
  });

  it('shows a background task that survives', async () => {
    const { lines } = await play('06-background-task', spelling);
    expect(lines).toEqual(['the background task begins, was kept, ends']);
  });

  it('shows the same average three times', async () => {
    expect(await play('09-three-spellings', spelling)).toEqual({ lines: ['averages: 30, 30, 30'], seconds: 0.3 });
  });
});
