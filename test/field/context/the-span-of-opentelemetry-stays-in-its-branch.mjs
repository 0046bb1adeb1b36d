// Services with OpenTelemetry call `Promise.all` over spans. Each branch must see its own span after every await, in each runtime and spelling.
import { check, core, dist, done, skip } from '../lib.mjs';

const { createTask, run, sleep, timeout } = core;
const found = await import(`${dist}opentelemetry/index.js`).catch(() => null);
if (found === null) skip('@opentelemetry/api is not installed');
const manager = new found.AsyncioContextManager().enable();
const key = Symbol('who');
const as = (name) => manager.active().setValue(key, name);
const who = () => manager.active().getValue(key) ?? 'nobody';
const foreign = () => new Promise((ok) => setTimeout(ok, 2));

const branch = (steps) => async () => {
  const seen = [who()];
  for (const step of steps) {
    await step();
    seen.push(who());
  }
  seen.push(await timeout(5, async () => who()), await createTask(async () => who()));
  return seen.join(' ');
};
const ours = () => sleep(0.001);
for (const [name, steps] of [
  ['awaits of this library', [ours, ours]],
  ['a promise of somebody else', [foreign, ours, foreign]],
]) {
  const expected = (user) => [...steps, 0, 0, 0].map(() => user).join(' ');
  await run(async () => {
    const all = () => Promise.all([manager.with(as('ada'), branch(steps)), manager.with(as('bob'), branch(steps))]);
    check(`${name}, in the first step`, await all(), [expected('ada'), expected('bob')]);
    await sleep(0.001);
    check(`${name}, later`, await all(), [expected('ada'), expected('bob')]);
    check(`${name}: the caller keeps its own`, who(), 'nobody');
  });
}
await run(function* () {
  const body = function* () {
    yield* sleep(0.001);
    return who();
  };
  check('generator coroutines', yield* manager.with(as('ada'), body), 'ada');
  check('and their callers', who(), 'nobody');
});
done();
