import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { CoroutineFunction } from 'asyncio-ts';
import { addInstrument, newEventLoop, run } from 'asyncio-ts';
import type { Recorder } from './recorder.ts';
import * as download from './scenes/a-download-cancelled.ts';
import * as group from './scenes/a-group-that-fails-as-one.ts';
import * as queue from './scenes/a-queue-with-back-pressure.ts';
import * as limit from './scenes/a-timeout-that-stops-work.ts';
import * as sequence from './scenes/one-after-the-other.ts';
import * as sideBySide from './scenes/side-by-side.ts';

/** A small program that shows one idea. */
export interface Scene {
  readonly title: string;
  /** What there is to see. */
  readonly caption: string;
  /** The lines that it prints. */
  readonly output: readonly string[];
  /** How long it takes. */
  readonly seconds: number;
  readonly main: CoroutineFunction<unknown>;
  /** Its code, as it is shown. */
  readonly code: readonly string[];
}

/** All of them, in order. */
export const scenes: readonly Scene[] = [
  { ...sideBySide, code: codeOf('side-by-side') },
  { ...sequence, code: codeOf('one-after-the-other') },
  { ...limit, code: codeOf('a-timeout-that-stops-work') },
  { ...group, code: codeOf('a-group-that-fails-as-one') },
  { ...queue, code: codeOf('a-queue-with-back-pressure') },
  { ...download, code: codeOf('a-download-cancelled') },
];

/** The part of a scene's file that is shown, without blank lines: a scene has to fit a terminal of 24 lines. */
function codeOf(name: string): string[] {
  const text = readFileSync(new URL(`scenes/${name}.ts`, import.meta.url), 'utf8');
  const [, shown = ''] = /^ *\/\/ \[code\]\n([\s\S]*?)^ *\/\/ \[\/code\]$/m.exec(text) ?? [];
  return shown
    .replaceAll('export ', '')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

/** Plays a scene: gives what it has printed. What it prints is told to `hear` as well. */
export async function playScene(scene: Scene, recorder: Recorder, hear: (line: string) => void): Promise<string[]> {
  const printed: string[] = [];
  const removeInstrument = addInstrument(recorder);
  const watch = recorder.open('');
  const { log } = console;
  console.log = (line: string) => {
    printed.push(line);
    hear(line);
  };
  try {
    await run(scene.main, {
      name: 'main',
      loopFactory: () => {
        const loop = newEventLoop();
        watch(loop);
        return loop;
      },
    });
  } finally {
    console.log = log;
    removeInstrument();
  }
  return printed;
}

/** What is wrong with what a scene has printed; `null` when nothing is. */
export function complaintOfScene(scene: Scene, printed: readonly string[]): string | null {
  if (isDeepStrictEqual(printed, scene.output)) return null;
  return `✗ ${scene.title} printed ${printed.join(', ')} instead of ${scene.output.join(', ')}`;
}
