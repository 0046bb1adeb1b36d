import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { filesLike, ROOT, textOf } from '../../support/example-files.ts';

const tour = textOf('docs/kernel.md');
const files = filesLike('src/kernel/**/*.ts');
const DOORS = ['index.ts', 'lowlevel.ts'];

/** The rows of the tables of files, by folder: what the first cell names. */
function namedIn(folder: RegExp): string[] {
  const lines = tour.split('\n');
  const start = lines.findIndex((line) => folder.test(line));
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).flatMap((line) => line.split('|')[1]!.match(/[\w-]+\.ts/g) ?? []);
}

test.each([
  ['runtime/', /^\| `runtime\/` \|/],
  ['engine/', /^\| `engine\/` \|/],
  ['', /^\| objects \|/],
])('the table of src/kernel/%s has each file of the folder, and no others', (folder, header) => {
  const present = files.filter((file) => path.posix.dirname(file) === path.posix.join('src/kernel', folder, '.'));
  const names = present
    .map((file) => path.posix.basename(file))
    .filter((name) => folder !== '' || !DOORS.includes(name));
  expect(names.length).toBeGreaterThan(0);
  expect(namedIn(header).sort()).toEqual(names.sort());
});

test('each file that the tour names exists', () => {
  const named = [...tour.matchAll(/`([\w/-]+\.ts)`|(src\/[\w/-]+\.ts)/g)].map(([, quoted, bare]) => (quoted ?? bare)!);
  const exists = (name: string) => existsSync(path.join(ROOT, name)) || files.some((file) => file.endsWith(`/${name}`));
  expect(named.filter((name) => !exists(name))).toEqual([]);
});
