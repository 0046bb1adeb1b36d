import { describe, expect, test } from 'vitest';
import { framesOf, pathOf } from '../../../src/inspect/frames.ts';
import { runInProcess } from '../../support/processes.ts';

/** A stack whose first frame is in the library, as those that the kernel takes. */
const stackOf = (...lines: string[]): string =>
  ['Error: place', '    at new CallSite (file:///lib/dist/kernel/places.js:9:9)', ...lines].join('\n');

const short = (stack: string): string[] =>
  framesOf(stack).map(({ name, kind, file, line }) => `${kind} ${name} ${file}:${line}`);

describe('the frames of a stack', () => {
  test('are those of the program, and tell async functions by the engine’s word', () => {
    const stack = stackOf(
      '    at Future.then (file:///lib/dist/kernel/future.js:1:2)',
      '    at read (file:///app/main.js:3:4)',
      '    at async Client.load [as get] (file:///app/main.js:5:6)',
      '    at async file:///app/main.js:7:8',
    );
    expect(short(stack)).toEqual([
      'async read /app/main.js:3',
      'async Client.load /app/main.js:5',
      'async  /app/main.js:7',
    ]);
  });

  test('tell generators by how they are resumed, and end where the library has begun the step', () => {
    const stack = stackOf(
      '    at helper (/app/main.js:1:1)',
      '    at inner (/app/main.js:2:1)',
      '    at inner.next (<anonymous>)',
      '    at Within.next (file:///lib/dist/kernel/around.js:94:28)',
      '    at Store.outer (/app/main.js:3:1)',
      '    at Store.outer.next (<anonymous>)',
      '    at step (file:///lib/dist/kernel/engine/step.js:26:46)',
      '    at spawner (/app/main.js:4:1)',
    );
    expect(short(stack)).toEqual([
      'function helper /app/main.js:1',
      'generator inner /app/main.js:2',
      'generator Store.outer /app/main.js:3',
    ]);
  });

  test('of a mapped stack, which says no `async`, are told by where the microtasks begin', () => {
    const stack = stackOf(
      '    at helper (/app/main.ts:1:1)',
      '    at read (/app/main.ts:2:1)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
      '    at load (/app/main.ts:3:1)',
    );
    expect(short(stack)).toEqual([
      'function helper /app/main.ts:1',
      'async read /app/main.ts:2',
      'async load /app/main.ts:3',
    ]);
  });

  test('of JavaScriptCore are read too', () => {
    const stack =
      'CallSite@https://x.org/lib/kernel/places.js:9:9\nread@https://x.org/app.js:3:4\nhttps://x.org/app.js:5:6';
    expect(short(stack)).toEqual(['function read https://x.org/app.js:3']);
  });

  test('are none where the stack is empty', () => {
    expect([framesOf(''), framesOf('Error')]).toEqual([[], []]);
  });
});

describe('the path of a place', () => {
  test('is a path for files, with what is escaped in the URL, and the URL for others', () => {
    expect(pathOf('file:///a%20b/c.js')).toBe('/a b/c.js');
    expect(pathOf('file:///C:/c.js')).toBe('C:/c.js');
    expect(pathOf('https://x.org/c.js')).toBe('https://x.org/c.js');
    expect(pathOf('file:///%zz')).toBe('file:///%zz');
  });
});

describe('a generator of a compiled file', () => {
  test('is shown with the line of its source, where the file has a map', () => {
    const { stdout, stderr } = runInProcess(`
      import { mkdtempSync, writeFileSync, rmSync } from 'node:fs';
      import path from 'node:path';
      import { tmpdir } from 'node:os';
      import { pathToFileURL } from 'node:url';
      import { transformSync } from 'esbuild';
      import { createTask, run, sleep } from 'asyncio-ts';
      import { captureCallGraph } from 'asyncio-ts/inspect';
      const folder = mkdtempSync(path.join(tmpdir(), 'maps-'));
      const source = [
        'interface Much { readonly more: string }', 'type Of = Much;', 'type It = Of;',
        'export function* load(sleep: (s: number) => Iterable<unknown>) {', '  yield* sleep(1);', '}',
      ].join('\\n');
      const { code } = transformSync(source, { loader: 'ts', sourcemap: 'inline', sourcefile: 'load.ts' });
      writeFileSync(path.join(folder, 'load.mjs'), code);
      const { load } = await import(pathToFileURL(path.join(folder, 'load.mjs')).href);
      await run(async () => {
        const task = createTask(load(sleep));
        await sleep(0.01);
        const [{ name, file, line }] = captureCallGraph(task).callStack;
        console.log(name, path.basename(file), line);
        task.cancel();
      });
      rmSync(folder, { recursive: true });`);
    expect([stdout, stderr]).toEqual(['load load.ts 5', '']);
  });
});
