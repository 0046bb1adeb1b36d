import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allFramesOf, framesOf, isPlacedByRuntime, titleOf } from '../../../src/cli/stack.ts';

const library = path.resolve('node_modules/asyncio-ts/dist');

function errorWith(...frames: string[]): Error {
  return Object.assign(new Error('two\nlines'), {
    stack: ['Error: two', 'lines', ...frames.map((f) => `    at ${f}`)].join('\n'),
  });
}

describe('the stack of an error', () => {
  const error = errorWith(
    'load (file:///app/main.ts:3:9)',
    `step (${pathToFileURL(library).href}/kernel/generator-step.js:18:46)`,
    `step (${path.join(library, 'kernel/generator-step.js')}:18:46)`,
    'load.next (<anonymous>)',
    'process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
    'node:internal/main:1:1',
    'file:///app/asyncio.ts:1:1',
  );

  it('is shown without the frames of the library and of the runtime', () => {
    expect(framesOf(error, library)).toEqual(['at load (file:///app/main.ts:3:9)', 'at file:///app/asyncio.ts:1:1']);
  });

  it('can be had whole', () => {
    expect(allFramesOf(error)).toHaveLength(7);
  });

  it('may be missing', () => {
    expect(allFramesOf(Object.assign(new Error(), { stack: undefined }))).toEqual([]);
  });
});

describe('the title of an error', () => {
  it('is its class and its message', () => {
    expect(titleOf(new RangeError('too far'))).toBe('RangeError: too far');
    expect(titleOf(new RangeError())).toBe('RangeError');
  });

  it('is a description of the thrown value when that is not an error', () => {
    expect(titleOf('text')).toBe("'text'");
    expect(titleOf({ code: 5 })).toBe('{ code: 5 }');
  });
});

describe('an error whose place only the runtime knows', () => {
  const withStack = (error: Error, stack: string) => Object.assign(error, { stack });

  it('is a syntax error in a module of Node', () => {
    const frame = '    at compileSourceTextModule (node:internal/modules/esm/utils:355:16)';
    expect(isPlacedByRuntime(withStack(new SyntaxError('x'), `SyntaxError: x\n${frame}`))).toBe(true);
    const placed = `file:///app/main.mjs:3\nexport {\n       ^\n\nSyntaxError: x\n${frame}`;
    expect(isPlacedByRuntime(withStack(new SyntaxError('x'), placed))).toBe(false);
  });

  it('is what Bun finds wrong with a module', () => {
    const message = { name: 'BuildMessage', message: 'Expected "}"' };
    expect(isPlacedByRuntime(message)).toBe(true);
    expect(isPlacedByRuntime(new AggregateError([message, message]))).toBe(true);
    expect(isPlacedByRuntime(new AggregateError([message, new Error('x')]))).toBe(false);
    expect(isPlacedByRuntime(new AggregateError([]))).toBe(false);
  });

  it('is not a frame of the program', () => {
    for (const error of [new SyntaxError('x'), new Error('x'), 'x', null, undefined])
      expect(isPlacedByRuntime(error)).toBe(false);
    expect(isPlacedByRuntime(Object.assign(new SyntaxError('x'), { stack: undefined }))).toBe(false);
  });
});
