import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as own from 'asyncio-ts';
import { expect, test } from 'vitest';
import { libraryOf } from '../../../src/cli/library.ts';
import { withFile } from '../../support/command.ts';
import { importsOf } from '../../support/layers.ts';

test("a program that cannot import the library by its name runs on the command's own copy", async () => {
  await withFile('program.ts', '', async (file) => {
    const library = await libraryOf(file);
    expect(library.api.run).toBe(own.run);
    expect(library.folder).toBe(path.resolve('src'));
  });
});

test('a program that has another copy of the library runs on that one', async () => {
  await withFile('program.ts', '', async (file) => {
    const copy = path.join(await realpath(path.dirname(file)), 'node_modules/asyncio-ts');
    await mkdir(copy, { recursive: true });
    await writeFile(path.join(copy, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
    await writeFile(path.join(copy, 'index.js'), "export const name = 'the other copy';");
    const library = await libraryOf(file);
    expect(library.api).toMatchObject({ name: 'the other copy' });
    expect(library.folder).toBe(copy);
  });
});

test('asyncio run loads no copy of the library but the one that libraryOf() chooses, since each takes long to load', async () => {
  const cli = path.resolve('src/cli');
  const loaded = new Set([path.join(cli, 'run-command.ts')]);
  for (const file of loaded) {
    if (file === path.join(cli, 'library.ts')) continue;
    for (const { specifier, typeOnly } of importsOf(await readFile(file, 'utf8')))
      if (!typeOnly && specifier.startsWith('.')) loaded.add(path.resolve(path.dirname(file), specifier));
  }
  expect(loaded).toContain(path.join(cli, 'program.ts'));
  expect([...loaded].filter((file) => !file.startsWith(cli + path.sep))).toEqual([]);
});
