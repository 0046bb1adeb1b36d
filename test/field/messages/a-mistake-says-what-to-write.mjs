// Mistakes that people make on their first day are answered with what to write instead.
import { check, core, done } from '../lib.mjs';

const { Event, gather, getRunningLoop, mapConcurrent, run, sleep } = core;

const message = async (mistake) => {
  try {
    await mistake();
    return 'no error';
  } catch (error) {
    return error.message;
  }
};
const says = async (mistake, pattern) => {
  const text = await message(mistake);
  return pattern.test(text) ? 'says it' : text;
};
const outside = (async () => getRunningLoop())();
outside.catch(() => {});
await run(async () => {
  const f = async () => 1;
  check(
    'mapConcurrent(items, f, 2) shows { limit: 2 }',
    await says(async () => await mapConcurrent([1, 2], f, 2), /\{ ?limit: ?(2|n)/),
    'says it',
  );
  check(
    'gather(f, g, { returnExceptions }) shows the array',
    await says(async () => await gather(f, f, { returnExceptions: true }), /gather\(\[/),
    'says it',
  );
  check(
    'a bound method of Python: stop.set without its object',
    await says(async () => {
      const { set } = new Event();
      set();
    }, /no error|Event|method|=>/),
    'says it',
  );
  check(
    'getRunningLoop() outside shows run()',
    await says(async () => {
      await outside;
    }, /run\(/),
    'says it',
  );
  check(
    'a shift of units: sleep({ ms: 5 })',
    await says(async () => await sleep({ ms: 5 }), /milliseconds/),
    'says it',
  ); // control: holds today
});
done();
