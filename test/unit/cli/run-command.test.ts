import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cli } from '../../../src/cli/cli.ts';
import { withFile } from '../../support/command.ts';

const argv = [...process.argv];
let printed: unknown[][];

beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((...values) => {
    printed.push(values);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.argv = [...argv];
});

/** Runs the text of a program within this process, with `asyncio run`. */
async function runText(text: string, { options = [] as string[], args = [] as string[], name = 'program.ts' } = {}) {
  let stderr = '';
  const stream = {
    write: (chunk: string) => {
      stderr += chunk;
    },
  };
  const code = await withFile(name, text, (file) =>
    cli(['run', ...options, file, ...args], { stdout: stream, stderr: stream }),
  );
  return { code, stderr, printed };
}

describe('asyncio run', () => {
  it('passes its arguments to main, and shows them to the program as Node would', async () => {
    const args = ['a', '--debug', '--', 'b'];
    const program = `
      export default async function main(...args: string[]): Promise<void> {
        console.log(args, process.argv.slice(2), process.argv[1] === import.meta.filename);
      }`;
    expect(await runText(program, { args })).toEqual({ code: 0, stderr: '', printed: [[args, args, true]] });
  });

  it('runs JavaScript, and generator coroutines', async () => {
    const program = `
      import { sleep } from 'asyncio-ts';
      export function* main(name) {
        console.log(yield* sleep(0.001, 'hello ' + name));
      }`;
    const result = await runText(program, { args: ['Ada'], name: 'program.mjs' });
    expect(result).toEqual({ code: 0, stderr: '', printed: [['hello Ada']] });
  });

  it('accepts a file that itself runs a loop', async () => {
    const program = `
      import { run, sleep } from 'asyncio-ts';
      await run(async () => console.log(await sleep(0.001, 'slept')));`;
    expect(await runText(program)).toEqual({ code: 0, stderr: '', printed: [['slept']] });
  });

  it('turns debug mode on with --debug, and shows whole stacks', async () => {
    const program = `
      import { getRunningLoop, sleep } from 'asyncio-ts';
      export function* main() {
        console.log(getRunningLoop().getDebug());
        yield* sleep(0.001);
        throw new Error('no');
      }`;
    const whole = await runText(program, { options: ['--debug'] });
    expect(whole).toMatchObject({ code: 1, stderr: expect.stringContaining('engine/step') });
    const short = await runText(program);
    expect(short).toMatchObject({ code: 1, stderr: expect.not.stringContaining('engine/step') });
    expect(printed).toEqual([[true], [false]]);
  });

  it('ends with 1 after an error, and shows the tasks that it came through', async () => {
    const program = `
      import { createTask, sleep } from 'asyncio-ts';
      async function load() {
        await sleep(0.001);
        throw new RangeError('no such page');
      }
      async function fetchAll() {
        await createTask(load, { name: 'loader' });
      }
      export async function main() {
        await createTask(fetchAll, { name: 'fetcher' });
      }`;
    const { code, stderr } = await runText(program);
    expect(code).toBe(1);
    expect(stderr.replace(/\(.*\/program.ts:.*\)/, '(program.ts)').replace(/main#\d+/, 'main#N')).toBe(`\
program.ts failed: RangeError: no such page

main#N
└─ fetcher  fetchAll()
   └─ loader  load()
      └─ RangeError: no such page
             at load (program.ts)
`);
  });

  it('ends with 1 after an error while the file is loaded', async () => {
    const result = await runText("throw new RangeError('too early');");
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('program.ts failed: RangeError: too early'),
    });
  });

  it.each([
    ['new SystemExit(7)', 7, ''],
    ['new SystemExit()', 0, ''],
    ["new SystemExit('good bye')", 1, 'good bye\n'],
    ['new SystemExit(1.5)', 1, ''],
    ['new KeyboardInterrupt()', 130, 'KeyboardInterrupt\n'],
    ["new KeyboardInterrupt(undefined, { signal: 'SIGTERM' })", 143, 'Terminated\n'],
  ])('understands %s as exit code %i', async (error, code, stderr) => {
    const program = `
      import { KeyboardInterrupt, SystemExit } from 'asyncio-ts';
      export async function main() {
        throw ${error};
      }`;
    expect(await runText(program)).toEqual({ code, stderr, printed: [] });
  });

  it.each([
    ['export const start = async () => {};', "'program.ts' has nothing to run: it has the exports start,"],
    ['', "'program.ts' has nothing to run: it has no exports,"],
    ['export const main = 5;', 'main is not a coroutine function, but a number'],
  ])('ends with 2 when there is nothing to run: %s', async (text, message) => {
    expect(await runText(text)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});
