import { addInstrument, createTask, EventLoop, gather, run, sleep } from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { afterEach, expect, test } from 'vitest';
import { type Happening, Recorder } from '../../../examples/tour/recorder.ts';
import { describeBoth } from '../../support/spellings.ts';

let remove = () => {};
afterEach(() => remove());

/** A recorder of programs on one simulated clock. */
function record() {
  const happenings: Happening[] = [];
  const host = new VirtualHost();
  const recorder = new Recorder(
    (happening) => happenings.push(happening),
    () => host.time(),
  );
  remove = addInstrument(recorder);
  const loopFactory = (title: string) => {
    const watch = recorder.open(title);
    return () => {
      const loop = new EventLoop({ host });
      watch(loop);
      return loop;
    };
  };
  return { recorder, happenings, loopFactory };
}

describeBoth('the recorder', (s) => {
  test('notes when each task of a loop begins, steps and ends', async () => {
    const { recorder, loopFactory } = record();
    const main = s.fn(function* () {
      const work = s.fn(function* () {
        yield* s.wait(sleep(1));
      });
      yield* s.wait(gather(createTask(work, { name: 'work' }), sleep(2)));
    });
    await run(main, { loopFactory: loopFactory('1 work') });
    expect(recorder.timelines).toEqual([
      {
        title: '1 work',
        lanes: [
          { label: 'main', begin: 0, steps: [0, 2], end: 2 },
          { label: 'work', begin: 0, steps: [0, 1], end: 1 },
          { label: 'task 2', begin: 0, steps: [0, 2], end: 2 },
        ],
      },
    ]);
  });
});

test('a task without a name has that of its function, where that is known', async () => {
  const { recorder, loopFactory } = record();
  async function work() {}
  const main = async () => {
    await gather(work, createTask(work, { name: 'mine' }));
  };
  await run(main, { loopFactory: loopFactory('1') });
  expect(recorder.timelines[0]!.lanes.map(({ label }) => label)).toEqual(['main', 'mine', 'work']);
});

test('loops without an open timeline are left out', async () => {
  const { recorder } = record();
  await run(async () => {});
  expect(recorder.timelines).toEqual([]);
});

test('printed text is shown beside the program that runs', async () => {
  const { recorder, happenings, loopFactory } = record();
  const print = (text: string) => async () => recorder.print(text);
  await run(print('hello'), { loopFactory: loopFactory('first') });
  await run(print('there'), { loopFactory: loopFactory('second') });
  const prints = happenings.filter((happening) => happening.kind === 'prints');
  expect(prints.map(({ timeline, text }) => `${timeline.title}: ${text}`)).toEqual(['first: hello', 'second: there']);
});
