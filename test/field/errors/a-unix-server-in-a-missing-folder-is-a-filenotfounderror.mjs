// A Unix server whose folder does not exist fails with FileNotFoundError, ENOENT: whoever operates it looks for the
// folder, not for rights.
import { check, core, done, node, skip } from '../lib.mjs';

if (process.platform === 'win32') skip('no Unix sockets');
await core.run(async () => {
  const failure = async (start) => {
    try {
      await start();
      return 'no error';
    } catch (error) {
      return [error.name, error.code];
    }
  };
  check('startUnixServer', await failure(() => node.startUnixServer(() => {}, '/no/such/folder/x.sock')), [
    'FileNotFoundError',
    'ENOENT',
  ]);
  check('openUnixConnection', await failure(() => node.openUnixConnection('/no/such/folder/x.sock')), [
    'FileNotFoundError',
    'ENOENT',
  ]); // control: holds today
});
done();
