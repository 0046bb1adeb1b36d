// Debug mode reports steps that block the loop, with the time that they took: no step of no time, when the mode is
// switched on inside it, and also the code that blocks after a foreign promise, which is most code in JavaScript.
import { check, done, inProcess } from '../lib.mjs';

const slow = (text) => /took \d/.test(text);
const switched = await inProcess(async () => {
  await foreign(400);
  await core.run(async () => {
    core.getRunningLoop().setDebug(true);
    await core.sleep(0);
  });
});
check('a step in which the mode is switched on is not slow', slow(switched.stderr), false);

const afterForeign = await inProcess(async () => {
  await core.run(
    async () => {
      await foreign(5);
      for (const end = performance.now() + 300; performance.now() < end; );
      await core.sleep(0);
    },
    { debug: true },
  );
});
check('a step that blocks after a foreign promise is reported', slow(afterForeign.stderr), true);

const usual = await inProcess(async () => {
  await core.run(
    async () => {
      await core.sleep(0.001);
      for (const end = performance.now() + 300; performance.now() < end; );
      await core.sleep(0);
    },
    { debug: true },
  );
});
check('a step that blocks is reported', slow(usual.stderr), true); // control: holds today
done();
