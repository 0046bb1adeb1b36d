import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FROM_SOURCE = new URL('./from-source.ts', import.meta.url).href;
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Whether there is a program that gives another one a terminal: that of util-linux. */
export const hasPty =
  process.platform === 'linux' && /util-linux/.test(spawnSync('script', ['--version']).stdout?.toString() ?? '');

/** So long a command may take to show something; the test has more time than that. */
const PATIENCE_MS = 20_000;

/** A command in a terminal. */
export interface InTerminal {
  /** Everything that it has written. */
  readonly output: string;
  /** Settled when it has written a text that was not there before the last call. */
  shows(text: string): Promise<void>;
  type(text: string): void;
  /** Settled with the exit code. */
  readonly ended: Promise<number | null>;
}

/** Runs the command `asyncio` in a terminal of 80 × 24, on the sources; ends it afterwards. */
export async function inTerminal<T>(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  body: (terminal: InTerminal) => Promise<T>,
): Promise<T> {
  const command = [process.execPath, '--import', FROM_SOURCE, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', `stty cols 80 rows 24; exec ${command}`, '/dev/null'], {
    env: { ...process.env, NODE_OPTIONS: '', TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let output = '';
  let read = 0;
  let look = (): void => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    look();
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  try {
    return await body({
      get output() {
        return output;
      },
      shows: (text) =>
        new Promise((resolve, reject) => {
          look = () => {
            const at = output.indexOf(text, read);
            if (at < 0) return;
            read = at + text.length;
            resolve();
          };
          look();
          const late = (): void =>
            reject(new Error(`it does not show '${text}': ${JSON.stringify(output.slice(read))}`));
          setTimeout(late, PATIENCE_MS).unref();
          void ended.then(() => reject(new Error(`it ended without '${text}': ${JSON.stringify(output.slice(read))}`)));
        }),
      type: (text) => child.stdin.write(text),
      ended,
    });
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}
