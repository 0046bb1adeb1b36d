// Failures of the system are OSErrors with the system's code, in every runtime. (The failing runtime is Deno.)
import { existsSync } from 'node:fs';
import { check, core, done, node, skip } from '../lib.mjs';

if (!existsSync('/dev/full')) skip('there is no /dev/full');
await core.run(async () => {
  const failure = async (use) => {
    const file = await node.openFile('/dev/full', 'w');
    try {
      await use(file);
      return 'no error';
    } catch (error) {
      return [error instanceof node.OSError, error.code];
    } finally {
      try {
        await file.close();
      } catch {
        /* the disk is full */
      }
    }
  };
  check('file.write', await failure((file) => file.write('x')), [true, 'ENOSPC']);
  const sync = await failure((file) => file.sync());
  check('file.sync', [sync[0], ['EINVAL', 'ENOSPC'].includes(sync[1])], [true, true]);
  let whole = 'no error';
  try {
    await node.writeFile('/dev/full', 'x');
  } catch (error) {
    whole = [error instanceof node.OSError, error.code];
  }
  check('writeFile', whole, [true, 'ENOSPC']); // control: holds today
});
done();
