import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../src/cli/command-line.ts';
import { UsageError } from '../../../src/cli/usage-error.ts';

describe('the command line', () => {
  it('takes a file and its arguments', () => {
    expect(parseCommandLine(['run', 'main.ts', 'a', 'b'])).toEqual({
      kind: 'run',
      file: 'main.ts',
      args: ['a', 'b'],
      debug: false,
    });
  });

  it('leaves all that follows the file to the program', () => {
    const command = parseCommandLine(['run', '--debug', 'main.ts', '--debug', '--help', '--', '-x']);
    expect(command).toEqual({ kind: 'run', file: 'main.ts', args: ['--debug', '--help', '--', '-x'], debug: true });
  });

  it('takes a file that looks like an option behind --', () => {
    expect(parseCommandLine(['run', '--', '-x.ts', 'a'])).toMatchObject({ file: '-x.ts', args: ['a'] });
  });

  it.each([
    [['--help'], { kind: 'help', topic: 'asyncio' }],
    [['-h'], { kind: 'help', topic: 'asyncio' }],
    [['--help', 'run'], { kind: 'help', topic: 'asyncio' }],
    [['run', '--help'], { kind: 'help', topic: 'run' }],
    [['run', '-h', 'main.ts'], { kind: 'help', topic: 'run' }],
    [['trace', '--help'], { kind: 'help', topic: 'trace' }],
    [['trace', 'a.json'], { kind: 'trace', file: 'a.json', output: null }],
    [['trace', '-o', '-', 'a.json'], { kind: 'trace', file: 'a.json', output: '-' }],
    [
      ['run', '--trace', 't.json', 'main.ts', 'a'],
      { kind: 'run', file: 'main.ts', args: ['a'], debug: false, trace: 't.json' },
    ],
    [['--version'], { kind: 'version' }],
    [['-v'], { kind: 'version' }],
  ])('understands %j', (argv, command) => {
    expect(parseCommandLine(argv)).toEqual(command);
  });

  it.each([
    [[], 'a command is missing: write asyncio run FILE'],
    [['run'], 'run: a file is missing: write asyncio run FILE'],
    [['run', '--debug'], 'run: a file is missing: write asyncio run FILE'],
    [['run', '--trace', 'main.ts'], 'run: a file is missing: write asyncio run FILE'],
    [['run', '--trace=', 'main.ts'], 'run: --trace is empty: write asyncio run --trace trace.json FILE'],
    [['trace'], 'trace: a file is missing: write asyncio trace FILE'],
    [['trace', 'a.json', '-o'], 'trace: one file is expected, and -o is one more; options come before it'],
    [['walk'], "unknown command 'walk': the commands are ps, pstree, repl, run, top, trace and worker"],
    [['main.ts'], "unknown command 'main.ts': write asyncio run main.ts"],
    [['--fast', 'run', 'main.ts'], "unknown option '--fast'"],
    [['run', '--fast', 'main.ts'], "unknown option '--fast'"],
    [['run', '--debug=yes', 'main.ts'], "option '--debug' does not take an argument"],
  ])('refuses %j with the fix', (argv, message) => {
    expect(() => parseCommandLine(argv)).toThrow(new UsageError(message));
  });
});
