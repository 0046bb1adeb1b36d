// Two copies in one process happen (two versions, a bundle and modules). What the one makes works in the other, as a
// promise at least, or the error says that there are two copies.
import { core as A, check, dist, done } from '../lib.mjs';

const B = await import(`${dist}bundle/index.js`);

const worksOrTells = async (name, body) => {
  const outcome = await A.run(body).catch((error) =>
    /cop(y|ies)|loaded twice|two versions/i.test(error.message) ? 'ok' : `${error.name}: ${error.message}`.slice(0, 60),
  );
  check(name, outcome, 'ok');
};
await worksOrTells(
  'gather of a task of the other',
  async () => (await A.gather(B.createTask(() => B.sleep(0.01, 'ok'))))[0],
);
await worksOrTells('waitFor around a wait of the other', async () => await A.waitFor(B.sleep(0.01, 'ok'), 1));
await worksOrTells('createTask of a wait of the other', async () => await A.createTask(B.sleep(0.01, 'ok')));
await worksOrTells('a task that awaits a cancelled task of the other is cancelled', async () => {
  const b = B.createTask(() => B.sleep(1));
  const a = A.createTask(async () => {
    await b;
  });
  await A.sleep(0.01);
  b.cancel();
  await Promise.allSettled([a]);
  if (!a.cancelled()) throw a.exception();
  return 'ok';
});
let passedOn = false;
try {
  A.rethrowIfCancelled(new B.CancelledError());
} catch {
  passedOn = true;
}
check('rethrowIfCancelled knows the error of the other', passedOn, true);
await worksOrTells('await of a task of the other', async () => await B.createTask(() => B.sleep(0.01, 'ok'))); // control: holds today
done();
