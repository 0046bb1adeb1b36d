import path from 'node:path';
import { coroutine, iscoroutine, sleep } from 'asyncio-ts';
import { describe, expect, it } from 'vitest';
import { findMain, locate, nothingToRun } from '../../../src/cli/program.ts';
import { UsageError } from '../../../src/cli/usage-error.ts';
import { withFile } from '../../support/command.ts';
import { runVirtually } from '../../support/spellings.ts';

async function greet(...names: string[]): Promise<string> {
  await sleep(1);
  return `hello ${names.join(' and ')}`;
}

function* greetSlowly(...names: string[]) {
  yield* sleep(2);
  return `hello ${names.join(' and ')}`;
}

async function outcome(exports: Record<string, unknown>, args: string[] = []) {
  return runVirtually(findMain(exports, args, { iscoroutine })!);
}

describe('the main of a file', () => {
  it.each([
    ['an async function', greet, 1],
    ['a generator function', greetSlowly, 2],
    ['a coroutine() function', coroutine(greet), 1],
    ['a coroutine() function of a generator function', coroutine(greetSlowly), 2],
    ['a function that returns a promise', (...names: string[]) => greet(...names), 1],
    ['a function that returns a coroutine', (...names: string[]) => greetSlowly(...names), 2],
  ])('may be %s, which gets the arguments', async (_, main, seconds) => {
    const result = 'hello Ada and Bob';
    expect(await outcome({ main }, ['Ada', 'Bob'])).toEqual({ result, seconds });
    expect(await outcome({ default: main }, ['Ada', 'Bob'])).toEqual({ result, seconds });
  });

  it('may be a coroutine object', async () => {
    expect(await outcome({ main: greetSlowly('Ada') })).toEqual({ result: 'hello Ada', seconds: 2 });
    expect(await outcome({ default: coroutine(greet)('Ada') })).toEqual({ result: 'hello Ada', seconds: 1 });
  });

  it('keeps its name, by which tasks are shown', () => {
    expect(findMain({ main: greetSlowly }, ['Ada'], { iscoroutine })).toHaveProperty('name', 'greetSlowly');
    expect(findMain({ main: coroutine(async () => {}) }, [], { iscoroutine })).toHaveProperty('name', 'main');
  });

  it('is the default export rather than main, unless only main can be run', async () => {
    const main = async () => 'main';
    expect(await outcome({ main, default: async () => 'default' })).toMatchObject({ result: 'default' });
    expect(await outcome({ main, default: { an: 'object' } })).toMatchObject({ result: 'main' });
  });

  it('is null when there is neither', () => {
    expect(findMain({}, [], { iscoroutine })).toBeNull();
    expect(findMain({ start: greet }, [], { iscoroutine })).toBeNull();
  });

  it.each([
    [{ main: 5 }, 'main is not a coroutine function, but a number: write export async function main() { … }'],
    [{ main: null }, 'main is not a coroutine function, but null: write export async function main() { … }'],
    [
      { default: { start: greet } },
      'the default export is not a coroutine function, but an object: write export async function main() { … }',
    ],
    [
      { main: Promise.resolve() },
      'main is not a coroutine function, but a promise, whose work began outside the loop: export main itself, not main()',
    ],
    [
      { async *main() {} },
      'main is not a coroutine function, but an async generator function: the values that it yields would not be used',
    ],
  ])('is refused with the fix when it is %o', (exports, message) => {
    expect(() => findMain(exports, [], { iscoroutine })).toThrow(new UsageError(message));
  });

  it('takes no arguments when it is a coroutine already', () => {
    expect(() => findMain({ main: greetSlowly() }, ['Ada'], { iscoroutine })).toThrow('it takes no arguments');
  });

  it('is missed with a list of the exports that there are', () => {
    expect(nothingToRun('job.ts', { start: greet, stop: greet }).message).toContain('it has the exports start, stop,');
    expect(nothingToRun('job.ts', {}).message).toContain('it has no exports,');
  });
});

describe('the file of a program', () => {
  it('is found from the current folder', async () => {
    await withFile('job.ts', '', async (file) => {
      expect(path.basename(locate(path.relative(process.cwd(), file)))).toBe('job.ts');
    });
  });

  it('is suggested when only its ending was left out', async () => {
    await withFile('job.ts', '', async (file) => {
      expect(() => locate(file.slice(0, -3))).toThrow(/there is no such file; there is job\.ts$/);
      expect(() => locate(`${path.dirname(file)}/other`)).toThrow(/there is no such file$/);
    });
  });

  it('must not be a folder', () => {
    expect(() => locate('.')).toThrow(new UsageError("cannot open '.': it is a folder"));
  });
});
