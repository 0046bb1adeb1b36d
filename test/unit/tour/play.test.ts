import { run, sleep } from 'asyncio-ts';
import { afterEach, expect, test, vi } from 'vitest';
import { play } from '../../../examples/tour/play.ts';
import type { Part } from '../../../examples/tour/programs.ts';
import { Recorder } from '../../../examples/tour/recorder.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function part(title: string, main: () => Promise<unknown>): Part {
  const start: Part['start']['async'] = (loopFactory) => run(main, { loopFactory });
  return { title, seconds: 0, result: null, start: { async: start, generators: start } };
}

test('programs run side by side, and say how they ended', async () => {
  const said: string[] = [];
  const recorder = new Recorder((happening) => {
    if (happening.kind === 'prints') said.push(`${happening.timeline.title} ${happening.text}`);
  });
  const log = vi.spyOn(console, 'log');
  const count = (title: string) =>
    part(title, async () => {
      for (let i = 0; i < 3; i++) {
        console.log('at %d', i);
        await sleep(0);
      }
      return title;
    });
  const error = new Error('no');
  const failing = part('c', () => Promise.reject(error));
  const outcomes = await play([count('a'), count('b'), failing], 'async', recorder);
  expect(outcomes.map(({ ended }) => ended)).toEqual([{ result: 'a' }, { result: 'b' }, { error }]);
  expect(said).toHaveLength(6);
  expect(said.filter((line) => line.startsWith('a'))).toEqual(['a at 0', 'a at 1', 'a at 2']);
  expect(console.log).toBe(log); // it is given back
});
