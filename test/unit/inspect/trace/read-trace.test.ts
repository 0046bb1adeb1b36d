import { sleep } from 'asyncio-ts';
import { readTrace, startTracing } from 'asyncio-ts/inspect';
import { describe, expect, it } from 'vitest';
import { runVirtually } from '../../../support/spellings.ts';

async function textOfTrace(): Promise<string> {
  const tracing = startTracing();
  await runVirtually(async () => await sleep(1));
  tracing.stop();
  return JSON.stringify(tracing);
}

describe('reading a trace', () => {
  it('gives back what was recorded', async () => {
    const text = await textOfTrace();
    expect(readTrace(text)).toEqual(JSON.parse(text));
  });

  it('says of a file that was cut off that it was, wherever that is behind its first line', async () => {
    const text = await textOfTrace();
    for (const length of [90, 200, text.length - 1]) {
      expect(() => readTrace(text.slice(0, length), "'a.json'")).toThrow(
        `'a.json' ends in the middle, after ${length} characters`,
      );
    }
  });

  it('says of a whole file that is not JSON that it is damaged', async () => {
    const text = await textOfTrace();
    expect(() => readTrace(text + text, "'a.json'")).toThrow("'a.json' is damaged, or two traces in one file");
    expect(() => readTrace(text.replace('"ph"', '"ph'), "'a.json'")).toThrow("'a.json' is damaged");
  });

  it.each(['null', '5', '{"ph":"X"}', '{"ph":"X","name":"a","pid":1,"tid":1,"ts":"x"}'])(
    'refuses the event %s, and says which one it is',
    (event) => {
      const good = '{"ph":"X","name":"a","pid":1,"tid":1,"ts":0}';
      const text = `{"otherData":{"format":"asyncio-ts trace","version":1},"traceEvents":[${good},${event}]}`;
      expect(() => readTrace(text, "'a.json'")).toThrow("'a.json' is damaged: traceEvents[1] is");
    },
  );

  it.each([
    ['', 'is empty'],
    [' \n', 'is empty'],
    ['hello', 'is not JSON'],
    ['{"a":', 'is not JSON'],
    ['[1]', 'is no trace of asyncio-ts'],
    ['null', 'is no trace of asyncio-ts'],
    ['3', 'is no trace of asyncio-ts'],
    ['{"traceEvents":[]}', 'is no trace of asyncio-ts'],
    ['{"otherData":null,"traceEvents":[]}', 'is no trace of asyncio-ts'],
    [
      '{"otherData":{"format":"asyncio-ts trace","version":2},"traceEvents":[]}',
      'has version 2 of the format, and this is a reader of version 1: use the asyncio-ts that has written it',
    ],
    ['{"otherData":{"format":"asyncio-ts trace","version":1}}', 'has no list of events: traceEvents must be an array'],
  ])('refuses %j', (text, problem) => {
    expect(() => readTrace(text, "'a.json'")).toThrow(`'a.json' ${problem}`);
    expect(() => readTrace(text, 'x')).toThrow(expect.objectContaining({ code: 'BAD_TRACE' }));
  });
});
