import { ValueError } from 'asyncio-ts';
import {
  createSubprocessExec,
  createSubprocessShell,
  runProcess,
  subprocessExec,
  subprocessShell,
} from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { execRequest, shellRequest } from '../../../../src/node/subprocess/request.ts';
import { type Expected, expectThrown } from '../../../support/mistakes.ts';

const TYPE = { type: TypeError, code: 'INVALID_ARGUMENT' };
const VALUE = { type: ValueError, code: 'INVALID_VALUE' };

/** Everything that starts a process with options that all of them have. */
const starters: readonly (readonly [string, (program: unknown, options: unknown) => unknown])[] = [
  ['createSubprocessExec', (program, options) => createSubprocessExec(program as never, options as never)],
  ['createSubprocessShell', (program, options) => createSubprocessShell(program as never, options as never)],
  ['subprocessExec', (program, options) => subprocessExec(() => null as never, program as never, options as never)],
  ['subprocessShell', (program, options) => subprocessShell(() => null as never, program as never, options as never)],
  ['runProcess', (program, options) => runProcess(program as never, [], options as never)],
];

/** Mistakes in the program or in an option; all are found at once, before anything is started or awaited. */
const mistakes: readonly (readonly [program: unknown, options: object, Expected])[] = [
  [5, {}, { ...TYPE, says: ['must be a string, got 5'] }],
  ['', {}, { ...VALUE, says: ['must not be empty'] }],
  ['a\0b', {}, { ...VALUE, says: ['null character'] }],
  ['x', { cwd: 5 }, { ...TYPE, says: ['cwd must be a string, got 5'] }],
  ['x', { cwd: '' }, { ...VALUE, says: ['cwd must not be empty'] }],
  ['x', { env: 'A=1' }, { ...TYPE, says: ["env must be an object of strings, got 'A=1'"] }],
  ['x', { env: { A: 1 } }, { ...TYPE, says: ['env.A must be a string, got 1'] }],
  ['x', { env: { 'A=B': '1' } }, { ...VALUE, says: ["no variable can be named 'A=B'"] }],
  ['x', { env: { A: '\0' } }, { ...VALUE, says: ['env.A holds a null character'] }],
  ['x', { argv0: 5 }, { ...TYPE, says: ['argv0 must be a string'] }],
  ['x', { user: 'root' }, { ...TYPE, says: ["user must be the number of a user, got 'root'"] }],
  ['x', { group: -1 }, { ...TYPE, says: ['group must be the number of a group, got -1'] }],
  ['x', { killGroup: 1 }, { ...TYPE, says: ['killGroup must be true or false, got 1'] }],
  ['x', { startNewSession: 'yes' }, { ...TYPE, says: ['startNewSession must be true or false'] }],
  ['x', { stdout: 'pipe' }, { type: TypeError, code: 'INVALID_STDIO', says: ['write PIPE'] }],
  ['x', { stdio: 'pipe' }, { type: TypeError, code: 'UNKNOWN_OPTION', says: ["'stdio'", 'stdin, stdout and stderr'] }],
  ['x', { detached: true }, { type: TypeError, code: 'UNKNOWN_OPTION', says: ['startNewSession'] }],
  ['x', { nonsense: 1 }, { type: TypeError, code: 'UNKNOWN_OPTION', says: ["there is no option 'nonsense'"] }],
];

describe.each(starters)('%s', (name, start) => {
  it.each(mistakes)('refuses %j with %j', (program, options, { says, ...expected }) => {
    // What runProcess is given besides its own options is checked by what it calls.
    const where = name === 'runProcess' && expected.code !== 'UNKNOWN_OPTION' ? 'createSubprocessExec' : name;
    expectThrown(() => start(program, options), { ...expected, says: [where, ...says] });
  });
});

describe('what starts processes', () => {
  it('refuses arguments that are not strings', () => {
    expectThrown(() => createSubprocessExec('x', 'a', 5 as never, 'b'), { ...TYPE, says: ['argument 2', 'got 5'] });
    expectThrown(() => createSubprocessExec('x', 'a\0'), { ...VALUE, says: ['argument 1', 'null character'] });
    expectThrown(() => createSubprocessExec('x', ['a'] as never), { ...TYPE, says: ["must be an object, got ['a']"] });
    expectThrown(() => runProcess('x', 'a' as never), { ...TYPE, says: ['must be an array'] });
  });

  it.each([
    ['limit', 'many', TYPE],
    ['limit', 0, VALUE],
    ['limit', Number.NaN, VALUE],
    ['killOnCancel', 'yes', TYPE],
    ['gracePeriod', -1, VALUE],
    ['gracePeriod', '1s', { type: TypeError, code: 'INVALID_DELAY' }],
  ])('refuses %s: %s where there are streams', (option, value, expected) => {
    for (const create of [createSubprocessExec, createSubprocessShell]) {
      const says = [option];
      expectThrown(() => create('x', { [option]: value } as never), { ...expected, says });
    }
  });

  it('knows the options of streams only where there are streams', () => {
    const unknown = { type: TypeError, code: 'UNKNOWN_OPTION', says: ["'limit'"] };
    expectThrown(() => subprocessExec(() => null as never, 'x', { limit: 5 } as never), unknown);
    const shell = { type: TypeError, code: 'UNKNOWN_OPTION', says: ['use createSubprocessShell'] };
    expectThrown(() => createSubprocessExec('x', { shell: true } as never), shell);
  });

  it.each([
    ['encoding', 'text'],
    ['text', 'reader.lines()'],
    ['universalNewlines', 'bytes'],
    ['bufsize', 'buffered'],
    ['timeout', 'timeout(seconds, …)'],
  ])('says what to write instead of %s', (option, says) => {
    const unknown = { type: TypeError, code: 'UNKNOWN_OPTION', says: [says] };
    expectThrown(() => createSubprocessExec('x', { [option]: 1 } as never), unknown);
  });

  it('refuses a protocol factory that is not a function', () => {
    const expected = { ...TYPE, says: ['a function that makes a protocol', 'null'] };
    expectThrown(() => subprocessExec(null as never, 'x'), expected);
    expectThrown(() => subprocessShell(null as never, 'x'), expected);
  });
});

describe('a request', () => {
  it('takes paths as URLs, and leaves out variables without a value', () => {
    const options = { cwd: new URL('file:///tmp/a%20b'), env: { A: '1', B: undefined } };
    const { program, args, runtime } = execRequest('f', new URL('file:///bin/ls'), ['-l'], options, null);
    expect([program, args, runtime.cwd, runtime.env]).toEqual(['/bin/ls', ['-l'], '/tmp/a b', { A: '1' }]);
  });

  it('leaves the environment, the folder and the session as they are when nothing is said', () => {
    const { runtime, killGroup } = execRequest('f', 'ls', [], { cwd: null, env: null }, null);
    expect([runtime.cwd, runtime.env, runtime.detached, runtime.shell, killGroup]).toEqual([
      undefined,
      undefined,
      false,
      false,
      false,
    ]);
  });

  it('makes a process group when killGroup is given', () => {
    const { runtime, killGroup } = shellRequest('f', 'ls', { killGroup: true }, null);
    expect([runtime.detached, killGroup, runtime.shell]).toEqual([true, true, true]);
    expect(shellRequest('f', 'ls', { shell: '/bin/bash' }, null).runtime.shell).toBe('/bin/bash');
  });
});
