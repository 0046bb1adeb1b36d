import { afterEach, describe, expect, test } from 'vitest';
import { argumentsForProcesses, argumentsForThreads } from '../../../../src/node/executors/inherited-arguments.ts';

const own = [...process.execArgv];

function startedWith(...options: string[]): void {
  process.execArgv.splice(0, Number.POSITIVE_INFINITY, ...options);
}

afterEach(() => startedWith(...own));

describe('the options of this process', () => {
  test('are those of its worker processes, except for a debugger and the program', () => {
    startedWith('--expose-gc', '--inspect=9229', '--import', 'tsx', '--input-type=module', '--eval', 'text', '-C', 'x');
    expect(argumentsForProcesses()).toEqual(['--expose-gc', '--import', 'tsx', '-C', 'x']);
    startedWith('-e', '--import', '--watch', '-p', '1');
    expect(argumentsForProcesses()).toEqual([]);
  });

  test('are left to the runtime for threads, unless they would load no file', () => {
    startedWith('--expose-gc', '--import', 'tsx');
    expect(argumentsForThreads()).toBeUndefined();
    startedWith('--expose-gc', '--import', 'tsx', '--conditions=x', '--input-type=module', '-e', 'text');
    expect(argumentsForThreads()).toEqual(['--import', 'tsx', '--conditions=x']);
  });
});
