// A tour in six scenes: small programs in real time, each with its code, what it prints, and a picture of its tasks.
//
//     npm start                   the scenes
//     npm start -- --scene 3      one of them
//     npm start -- --all          the nine programs of the tutorial, side by side, with expected and measured times
//     npm start -- --all --both   these in both spellings, one after the other
//     npm start -- --plain        lines of text instead of pictures

import process from 'node:process';
import { parseArgs, styleText } from 'node:util';
import { drawPicture, LEGEND } from './tour/picture.ts';
import { PlainLog } from './tour/plain.ts';
import { type Outcome, play } from './tour/play.ts';
import { parts, type Spelling } from './tour/programs.ts';
import { Recorder } from './tour/recorder.ts';
import { complaintOfScene, playScene, type Scene, scenes } from './tour/scenes.ts';
import { Screen } from './tour/screen.ts';
import { complaint, summarize } from './tour/summary.ts';

const USAGE = `usage: npm start -- [--scene N | --all [--both]] [--plain]

  --scene N   only one of the scenes, 1 to ${scenes.length}
  --all       the nine programs of the tutorial instead, side by side
  --both      these in both spellings
  --plain     lines of text instead of pictures
`;

const { stdout } = process;

function optionsOf(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        all: { type: 'boolean' },
        both: { type: 'boolean' },
        plain: { type: 'boolean' },
        scene: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    const scene = values.scene === undefined ? null : scenes[Number(values.scene) - 1];
    if (scene !== undefined && values.help !== true) return { ...values, scene };
    process.stderr.write(scene === undefined ? `there is no scene ${values.scene}\n\n${USAGE}` : USAGE);
    process.exit(scene === undefined ? 2 : 0);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

// ------------------------------------------------------------------------------------------------------- scenes

/** So many lines of a picture: tasks and the axis. */
const PICTURE = 6;

async function show(scene: Scene, number: number, isPlain: boolean): Promise<string | null> {
  const bold = (text: string): string => (isPlain ? text : styleText('bold', text));
  const dim = (text: string): string => (isPlain ? text : styleText('dim', text));
  stdout.write(`${bold(`${number}/${scenes.length}  ${scene.title}`)}\n${wrapped(scene.caption)}\n\n`);
  stdout.write(`${scene.code.map((line) => `  ${dim(line)}`.trimEnd()).join('\n')}\n\n`);
  const recorder = new Recorder();
  let printed: string[];
  if (isPlain) {
    printed = await playScene(scene, recorder, (line) =>
      stdout.write(`${recorder.now().toFixed(2).padStart(6)} s  ${line}\n`),
    );
  } else {
    const said: string[] = [];
    const screen = new Screen(stdout, () => {
      const drawing = { now: recorder.now(), span: scene.seconds, width: stdout.columns, height: PICTURE };
      return [...(drawPicture(recorder.timelines, drawing) ?? []), `prints: ${said.join(' · ')}`];
    });
    try {
      printed = await playScene(scene, recorder, (line) => said.push(line));
    } finally {
      screen.end();
    }
    stdout.write(`${dim(LEGEND)}\n`);
  }
  stdout.write('\n');
  return complaintOfScene(scene, printed);
}

/** A text in lines that fit. */
function wrapped(text: string): string {
  const width = Math.min(stdout.columns || 80, 100);
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

const NEXT = `What to open next:
  docs/start.md                 ten minutes, one program that grows
  docs/cancellation.md          how work is stopped, and how it cleans up
  docs/from-promises.md         the jobs you know, with tasks
  docs/from-asyncio.md          every name of Python's asyncio
  npm start -- --all            the nine programs of the tutorial, side by side
`;

async function showScenes(scene: Scene | null, isPlain: boolean): Promise<boolean> {
  let isRight = true;
  for (const [i, one] of scenes.entries()) {
    if (scene !== null && one !== scene) continue;
    const wrong = await show(one, i + 1, isPlain);
    if (wrong === null) continue;
    isRight = false;
    stdout.write(`${wrong}\n`);
  }
  stdout.write(NEXT);
  return isRight;
}

// ------------------------------------------------------------------------------------------------------- the tutorial

const span = Math.max(...parts.map(({ seconds }) => seconds ?? 0));

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

async function playTutorial(spellings: readonly Spelling[], isPlain: boolean): Promise<boolean> {
  const outcomes: Outcome[] = [];
  for (const spelling of spellings) {
    stdout.write(`The programs of the tutorial, spelled with ${spelling}, side by side:\n\n`);
    outcomes.push(...(await (isPlain ? playPlainly(spelling) : playInPicture(spelling))));
    stdout.write('\n');
  }
  stdout.write(`${summarize(outcomes).join('\n')}\n`);
  return outcomes.every((outcome) => complaint(outcome) === null);
}

const options = optionsOf(process.argv.slice(2));
// Each program would only cancel its own main, so the tour takes Ctrl-C for all of them.
process.once('SIGINT', () => process.exit(130));

const isSmall = !stdout.isTTY || stdout.columns < 70;
const isRight =
  options.all === true || options.both === true
    ? await playTutorial(
        options.both === true ? ['async', 'generators'] : ['async'],
        // A picture with one line for each program has to fit.
        options.plain === true || isSmall || stdout.rows < parts.length + 3,
      )
    : await showScenes(options.scene, options.plain === true || isSmall);
if (!isRight) process.exitCode = 1;
