// A character that is not in the encoding is a ValueError at once. Half of a surrogate pair, as slice() makes it, is
// not in UTF-8; a file never silently differs from what was written.
import { check, core, done, node, temporary } from '../lib.mjs';

const half = 'smile \u{1F600}'.slice(0, 7);
await core.run(async () => {
  const write = async (text, encoding) => {
    const path = temporary('surrogate.txt');
    await using file = await node.openFile(path, { mode: 'w', encoding });
    try {
      await file.write(text);
      return 'written';
    } catch (error) {
      return error.name;
    }
  };
  check('file.write', await write(half, 'utf-8'), 'ValueError');
  let whole = 'written';
  try {
    await node.writeFile(temporary('whole.txt'), half, { encoding: 'utf-8' });
  } catch (error) {
    whole = error.name;
  }
  check('writeFile', whole, 'ValueError');
  check('a character that latin1 has not', await write('\u20ac', 'latin1'), 'ValueError'); // control: holds today
  check('a whole pair', await write('\u{1F600}', 'utf-8'), 'written'); // control: holds today
});
done();
