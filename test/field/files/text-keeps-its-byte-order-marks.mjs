// Text is decoded as it is: U+FEFF stays where it stands, in streams and in the output of processes as in files. A
// program that passes text on does not change it.
import { check, core, done, node, temporary } from '../lib.mjs';

const text = '\ufeffone\n\ufefftwo\n';
await core.run(async () => {
  const reader = new node.StreamReader();
  reader.feedData(new TextEncoder().encode(text));
  reader.feedEof();
  let streamed = '';
  for await (const line of reader.lines({ keepEnds: true })) streamed += line;
  check('reader.lines()', streamed, text);
  const path = temporary('bom.txt', text);
  check('runProcess', (await node.runProcess('cat', [path], { encoding: 'utf-8' })).stdout, text);
  check('readFile', await node.readFile(path, { encoding: 'utf-8' }), text); // control: holds today
  let read = '';
  for await (const line of node.readLines(path, { encoding: 'utf-8' }))
    read += line.endsWith('\n') ? line : `${line}\n`;
  check('readLines', read, text); // control: holds today
});
done();
