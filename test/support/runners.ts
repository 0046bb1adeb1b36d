import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** How a test of a runner has ended. */
export interface Outcome {
  readonly status: 'passed' | 'failed' | 'skipped' | 'todo';
  readonly message: string;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The folder of the sample tests of a runner. */
export const folderOf = (runner: string): string => path.join(ROOT, 'test/runners', runner);

/** A file in `node_modules`. */
export const installed = (file: string): string => path.join(ROOT, 'node_modules', file);

/** Runs a test runner to its end, as a user does: nothing tells it that this is a test as well. */
export async function runRunner(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(?:VITEST|JEST|NODE_|TEST$|DEV$|PROD$|MODE$)/.test(name),
  );
  const child = spawn(command, args, {
    cwd,
    env: { ...Object.fromEntries(own), NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { stdout, stderr, code };
}

interface JsonReport {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

/** What Jest, and Vitest after its example, writes as JSON. */
export function outcomesOfJson(text: string): Map<string, Outcome> {
  const { testResults } = JSON.parse(text) as JsonReport;
  const found = new Map<string, Outcome>();
  for (const { assertionResults } of testResults) {
    for (const { title, status, failureMessages } of assertionResults) {
      const known = status === 'pending' ? 'skipped' : (status as Outcome['status']);
      found.set(title, { status: known, message: (failureMessages ?? []).join('\n') });
    }
  }
  return found;
}

/** What the failures of the samples say. */
const MESSAGES: Readonly<Record<string, readonly RegExp[]>> = {
  'fails by an assertion': [/not true: pigs fly/],
  'fails by a task of its group': [/too far/],
  'fails by tasks that it leaves behind': [
    /left these 3 behind:/,
    /task outer, which waits for inner of its task group(?: at \S+samples\.ts:\d+:\d+)?$/m,
    /└─ task inner, which waits for sleep\(\)/,
    /timer <TimerHandle when=50 alarm\(\)>/,
  ],
  'fails by an error that is lost': [/nobody has looked at an error/, /nobody looks/],
  'fails when nothing can run any more': [
    /nothing will ever set <Event \[unset, waiters:1\]>; fails when nothing can run any more waits for it(?: at \S+samples\.ts:\d+:\d+)?$/m,
  ],
  'fails in real time by a task that it leaves behind': [/task left, which waits for sleep\(\)/],
  'fails by its time limit': [
    /what its tasks did then:/,
    /fails by its time limit waits for <Event \[unset, waiters:1\]>(?: at \S+samples\.ts:\d+:\d+)?$/m,
  ],
  'fails by a server that it leaves behind': [/a server that listens/],
  'fails by a child process that it leaves behind': [/a child process/],
};

/** Checks that the samples have ended as their titles say, and that the failures say why. */
export function expectOutcomes(outcomes: ReadonlyMap<string, Outcome>, count: number): void {
  expect(outcomes.size).toBe(count);
  for (const [title, { status, message }] of outcomes) {
    const wanted = title.endsWith('is skipped')
      ? 'skipped'
      : title.endsWith('to be written')
        ? 'todo'
        : title.startsWith('fails')
          ? 'failed'
          : 'passed';
    expect({ title, status, message: status === wanted ? '' : message }).toEqual({
      title,
      status: wanted,
      message: '',
    });
    for (const part of wanted === 'failed' ? MESSAGES[title]! : []) expect(message).toMatch(part);
  }
}
