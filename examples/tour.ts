// Runs all programs of the tutorial concurrently in real time, each on its own loop, and shows which task runs when.
//
//     npm start                   one spelling
//     npm start -- --both         both spellings, one after the other
//     npm start -- --plain        lines of text instead of the picture

import process from 'node:process';
import { parseArgs } from 'node:util';
import { drawPicture } from './tour/picture.ts';
import { PlainLog } from './tour/plain.ts';
import { type Outcome, play } from './tour/play.ts';
import { parts, type Spelling } from './tour/programs.ts';
import { Recorder } from './tour/recorder.ts';
import { Screen } from './tour/screen.ts';
import { complaint, summarize } from './tour/summary.ts';

const { stdout } = process;
const { values } = parseArgs({ options: { both: { type: 'boolean' }, plain: { type: 'boolean' } } });
const spellings: readonly Spelling[] = values.both === true ? ['async', 'generators'] : ['async'];
const span = Math.max(...parts.map(({ seconds }) => seconds ?? 0));
// A picture with one line for each program has to fit.
const isPlain = values.plain === true || !stdout.isTTY || stdout.rows < parts.length + 3 || stdout.columns < 70;

async function playPlainly(spelling: Spelling): Promise<Outcome[]> {
  const log = new PlainLog(
    (line) => stdout.write(`${line}\n`),
    () => recorder.now(),
  );
  const recorder = new Recorder(log.hear);
  const outcomes = await play(parts, spelling, recorder);
  log.flush();
  return outcomes;
}

async function playInPicture(spelling: Spelling): Promise<Outcome[]> {
  const recorder = new Recorder();
  const screen = new Screen(stdout, () => {
    const drawing = { now: recorder.now(), span, width: stdout.columns, height: stdout.rows - 2 };
    return drawPicture(recorder.timelines, drawing) ?? [];
  });
  try {
    return await play(parts, spelling, recorder);
  } finally {
    screen.end();
  }
}

// Ctrl-C would cancel only the main task of each program, so the tour handles it for all of them.
process.once('SIGINT', () => process.exit(130));

const outcomes: Outcome[] = [];
for (const spelling of spellings) {
  stdout.write(`The programs of the tutorial, spelled with ${spelling}, side by side:\n\n`);
  outcomes.push(...(await (isPlain ? playPlainly(spelling) : playInPicture(spelling))));
  stdout.write('\n');
}
stdout.write(`${summarize(outcomes).join('\n')}\n`);
if (outcomes.some((outcome) => complaint(outcome) !== null)) process.exitCode = 1;
