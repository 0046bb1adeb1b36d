import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../../src/cli/command-line.ts';
import { UsageError } from '../../../src/cli/usage-error.ts';

describe('the arguments of ps, pstree and top', () => {
  const defaults = { json: false, locals: false, limit: Number.POSITIVE_INFINITY, write: false, interval: 1 };

  test.each([
    [['ps', '4711'], { ...defaults, kind: 'ps', pid: 4711 }],
    [['pstree', '--json', '4711'], { ...defaults, kind: 'pstree', pid: 4711, json: true }],
    [['ps', '4711', '--locals', '--limit', '10'], { ...defaults, kind: 'ps', pid: 4711, locals: true, limit: 10 }],
    [
      ['top', '1', '--write', '--interval=0.5'],
      { ...defaults, kind: 'top', pid: 1, write: true, interval: 0.5, limit: 10_000 },
    ],
    [['top', '--help'], { kind: 'help', topic: 'top' }],
    [['ps', '4711', '-h'], { kind: 'help', topic: 'ps' }],
  ])('understands %j', (argv, command) => {
    expect(parseCommandLine(argv)).toEqual(command);
  });

  test.each([
    [['ps'], 'ps: the number of a process is missing: write asyncio ps PID'],
    [['top', 'node'], "top: 'node' is not the number of a process: write asyncio top PID, as in asyncio top 4711"],
    [['ps', '0'], "ps: '0' is not the number of a process: write asyncio ps PID, as in asyncio ps 4711"],
    [['ps', '1.5'], "ps: '1.5' is not the number of a process: write asyncio ps PID, as in asyncio ps 4711"],
    [['ps', '1', '2'], "ps: one process at a time; '2' is too much"],
    [['ps', '--write', '1'], "unknown option '--write'"],
    [['top', '--json', '1'], "unknown option '--json'"],
    [['top', '1', '--interval', '0'], "top: --interval takes a number of at least 0.1, got '0'"],
    [['ps', '1', '--limit', 'many'], "ps: --limit takes a number of at least 1, got 'many'"],
  ])('refuses %j with the fix', (argv, message) => {
    expect(() => parseCommandLine(argv)).toThrow(new UsageError(message));
  });
});

describe('the arguments of repl', () => {
  test('are none', () => {
    expect(parseCommandLine(['repl'])).toEqual({ kind: 'repl' });
    expect(parseCommandLine(['repl', '-h'])).toEqual({ kind: 'help', topic: 'repl' });
    expect(() => parseCommandLine(['repl', 'a.ts'])).toThrow(
      new UsageError('repl: takes no file: write asyncio run a.ts to run one'),
    );
  });
});
