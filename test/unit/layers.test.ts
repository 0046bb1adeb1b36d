import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, violations } from '../support/layers.ts';

const src = path.resolve(import.meta.dirname, '../../src');

function sources(): Map<string, string> {
  const files = globSync('**/*.ts', { cwd: src }).map((file) => file.replaceAll(path.sep, '/'));
  return new Map(files.sort().map((file) => [file, readFileSync(path.join(src, file), 'utf8')]));
}

describe('the layers of src', () => {
  it('hold in every file', () => {
    const files = sources();
    expect(files.has('index.ts')).toBe(true);
    expect(violations(files)).toEqual([]);
  });
});

describe('the check of the layers', () => {
  /** Files that every sample may import; none of them violates a rule. */
  const BASE = {
    'errors/base.ts': 'export class AsyncError extends Error {}',
    'internal/heap.ts': 'export const heap = 1;',
    'kernel/runtime/platform.ts': 'export const platform = globalThis;',
    'kernel/engine/roles.ts':
      "import type { platform } from '../runtime/platform.ts';\nexport type Role = typeof platform;",
    'kernel/task.ts': "import { heap } from '../internal/heap.ts';\nexport const task = heap;",
    'kernel/lowlevel.ts': "export * from './task.ts';",
    'kernel/index.ts': "export * from './task.ts';",
    'sync/lock.ts': "import { task } from '../kernel/lowlevel.ts';\nexport const lock = task;",
    'tasks/sleep.ts': 'export const sleep = 1;',
    'queues/queue.ts': "import { lock } from '../sync/lock.ts';\nexport const queue = lock;",
    'index.ts': "export * from './queues/queue.ts';",
    'testing/index.ts': "import { queue } from '../index.ts';\nexport const testing = queue;",
    'node/server.ts': "import net from 'node:net';\nexport const server = net;",
    'vitest/index.ts': "import { test } from 'vitest';\nimport { testing } from '../testing/index.ts';\ntest(testing);",
    'node-test/index.ts': "import { test } from 'node:test';\ntest();",
    'cli/main.ts': "import { server } from '../node/server.ts';\nimport 'node:process';\nserver;",
  };
  const check = (files: Record<string, string>) => violations(new Map(Object.entries({ ...BASE, ...files })));

  it('finds nothing wrong with files that keep the rules', () => {
    expect(check({})).toEqual([]);
  });

  it.each([
    ['errors', '../kernel/index.ts'],
    ['internal', '../kernel/lowlevel.ts'],
    ['kernel', '../sync/lock.ts'],
    ['sync', '../queues/queue.ts'],
    ['queues', '../index.ts'],
    ['interop', '../testing/index.ts'],
    ['testing', '../node/server.ts'],
    ['node', '../cli/main.ts'],
  ])('forbids %s/ to import upwards from %s', (folder, specifier) => {
    const [found, ...more] = check({ [`${folder}/x.ts`]: `import { x } from '${specifier}';` });
    expect(found).toBe(`${folder}/x.ts:1: imports '${specifier.slice(3)}', which is above it`);
    expect(more).toEqual([]);
  });

  it.each([
    ['kernel/runtime', '../engine/roles.ts', 'kernel/engine/roles.ts'],
    ['kernel/runtime', '../task.ts', 'kernel/task.ts'],
    ['kernel/engine', '../task.ts', 'kernel/task.ts'],
  ])('forbids %s/ to import upwards from %s, types included', (folder, specifier, target) => {
    const found = check({ [`${folder}/x.ts`]: `import type { x } from '${specifier}';` });
    expect(found).toEqual([`${folder}/x.ts:1: imports '${target}', which is above it`]);
  });

  it('finds circles that are closed by types in the lower floors of the kernel', () => {
    const files = {
      'kernel/engine/a.ts': "import type { B } from './b.ts';\nexport type A = B;",
      'kernel/engine/b.ts': "import { A } from './a.ts';\nexport type B = A;",
    };
    expect(check(files)).toEqual(['cycle with types: kernel/engine/a.ts -> kernel/engine/b.ts -> kernel/engine/a.ts']);
  });

  it('forbids upward imports of types, too, and those that are written as calls or re-exports', () => {
    for (const text of [
      "import type { queue } from '../queues/queue.ts';",
      "import {\n  type queue,\n} from '../queues/queue.ts';",
      "export { queue } from '../queues/queue.ts';",
      "export * from '../queues/queue.ts';",
      "import '../queues/queue.ts';",
      "const x = await import('../queues/queue.ts');",
      "type X = typeof import('../queues/queue.ts');",
    ]) {
      expect(check({ 'sync/x.ts': text }), text).toEqual(["sync/x.ts:1: imports 'queues/queue.ts', which is above it"]);
    }
  });

  it('names the line, and does not mistake comments, strings and look-alikes for imports', () => {
    expect(
      importsOf("/* import 'a' */\n// import 'b'\nconst s = \"import 'c'\";\nx.import('d');\nimport 'e';"),
    ).toEqual([{ specifier: 'e', typeOnly: false, line: 5 }]);
    expect(importsOf("export const from = 'a';\nexport function* f() { return 'b'; }\nexport default 'c'")).toEqual([]);
    expect(
      importsOf("const quote = /[\"'/]/;\nimport type from './a.ts';\nconst t = `${`'`}'`; import b from './b.ts';"),
    ).toEqual([
      { specifier: './a.ts', typeOnly: false, line: 2 },
      { specifier: './b.ts', typeOnly: false, line: 3 },
    ]);
  });

  it('forbids to enter the kernel past its doors', () => {
    expect(check({ 'sync/x.ts': "import { task } from '../kernel/task.ts';" })).toEqual([
      "sync/x.ts:1: imports 'kernel/task.ts' past the doors of the kernel (kernel/lowlevel.ts, kernel/index.ts)",
    ]);
    expect(check({ 'index.ts': "export * from './kernel/task.ts';" })).toHaveLength(1);
    expect(check({ 'kernel/x.ts': "import { task } from './task.ts';" })).toEqual([]);
  });

  it("allows only node/ to use members of Node's own sockets", () => {
    const text = 'const handle = (socket) => socket._handle ?? socket._parent;';
    expect(check({ 'node/x.ts': text })).toEqual([]);
    expect(check({ 'sync/x.ts': text })).toHaveLength(2);
    expect(check({ 'node/x.ts': 'const state = (task) => task._state;' })).toHaveLength(1);
  });

  it('forbids modules of Node outside of node/ and cli/', () => {
    expect(check({ 'inspect/x.ts': "import fs from 'node:fs';" })).toEqual([
      "inspect/x.ts:1: only node/, cli/ and the engines of executors import 'node:fs'",
    ]);
    expect(check({ 'kernel/x.ts': "await import('node:fs');" })).toHaveLength(1);
    expect(check({ 'kernel/x.ts': "process.getBuiltinModule('node:fs');" })).toEqual([]);
  });

  it('allows each folder of a test runner or a framework what that brings, and nothing else', () => {
    expect(
      check({ 'jest/x.ts': "import { test } from '@jest/globals';", 'bun-test/x.ts': "import 'bun:test';" }),
    ).toEqual([]);
    expect(check({ 'react/x.ts': "import { useState } from 'react';", 'solid/x.ts': "import 'solid-js';" })).toEqual(
      [],
    );
    expect(check({ 'react/x.ts': "import { ref } from 'vue';" })).toEqual([
      "react/x.ts:1: imports the package 'vue', which is no dependency",
    ]);
    expect(check({ 'jest/x.ts': "import { test } from 'vitest';" })).toEqual([
      "jest/x.ts:1: imports the package 'vitest', which is no dependency",
    ]);
    expect(check({ 'node-test/x.ts': "import fs from 'node:fs';" })).toEqual([
      "node-test/x.ts:1: only node/, cli/ and the engines of executors import 'node:fs'",
    ]);
    expect(check({ 'testing/x.ts': "import { test } from 'node:test';" })).toHaveLength(1);
    expect(check({ 'testing/x.ts': "import '../vitest/index.ts';" })).toHaveLength(1);
  });

  it('forbids packages but the dependencies in node/, folders without a layer and files that do not exist', () => {
    expect(check({ 'node/x.ts': "import { z } from 'zod';" })).toEqual([
      "node/x.ts:1: imports the package 'zod', which is no dependency",
    ]);
    expect(check({ 'node/x.ts': "import { Piscina } from 'piscina';" })).toEqual([]);
    expect(check({ 'tasks/x.ts': "import type { Piscina } from 'piscina';" })).toEqual([
      "tasks/x.ts:1: only node/ imports the package 'piscina'",
    ]);
    expect(check({ 'misc/x.ts': '' })).toEqual(["misc/x.ts: 'misc' is in no layer"]);
    expect(check({ 'sync/x.ts': "import './lock.js';" })).toEqual([
      "sync/x.ts:1: imports './lock.js', which is no file of src",
    ]);
  });

  it('finds cycles of imports that exist at run time', () => {
    const cycle = (keyword: string) => ({
      'sync/a.ts': "import { b } from './b.ts';",
      'sync/b.ts': "export * from './c.ts';",
      'sync/c.ts': `${keyword} { a } from './a.ts';`,
    });
    expect(check(cycle('import'))).toEqual(['cycle: sync/a.ts -> sync/b.ts -> sync/c.ts -> sync/a.ts']);
    expect(check(cycle('import type'))).toEqual([]);
    expect(check({ 'sync/self.ts': "import './self.ts';" })).toEqual(['cycle: sync/self.ts -> sync/self.ts']);
  });

  it('lets only the host file mention globalThis', () => {
    expect(check({ 'kernel/x.ts': '// globalThis\nconst text = "globalThis";\nglobalThis.x;' })).toEqual([
      'kernel/x.ts:3: only kernel/runtime/platform.ts reads globalThis',
    ]);
    expect(check({ 'node/x.ts': 'const name = `${globalThis}`;' })).toHaveLength(1);
    expect(check({ 'node/x.ts': 'type All = typeof globalThis;' })).toHaveLength(1);
    expect(check({ 'node/x.ts': 'const x = { globalThis: 1 }; x.globalThis;' })).toEqual([]);
  });

  it('lets only the kernel touch members that begin with an underscore', () => {
    for (const access of [
      'task._state',
      'task?._state',
      'f(task)._state()',
      'tasks[0]._state',
      'task\n  ._state',
      'this._state',
      'const { _state } = task',
      'const { _state: state } = task',
      'f(({ _state }) => 1)',
    ]) {
      expect(check({ 'sync/x.ts': `${access};` }), access).toHaveLength(1);
      expect(check({ 'kernel/x.ts': `${access};` }), access).toEqual([]);
    }
    expect(check({ 'sync/x.ts': '// task._state\nconst text = "task._state"; const _own = 1;' })).toEqual([]);
  });

  it('allows a class outside the kernel its own members that begin with an underscore', () => {
    const own =
      'class Lock {\n  /** @internal */\n  readonly _holder: number = 0;\n  get() {\n    return this._holder;\n  }\n}';
    expect(check({ 'sync/x.ts': own })).toEqual([]);
    expect(check({ 'sync/x.ts': own.replace('this._holder', 'task._holder') })).toHaveLength(1);
  });
});
