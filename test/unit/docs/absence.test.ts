import * as core from 'asyncio-ts';
import * as http from 'asyncio-ts/http';
import * as inspect from 'asyncio-ts/inspect';
import * as node from 'asyncio-ts/node';
import * as testing from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { declaredBy, parse } from '../../../scripts/lib/syntax.ts';
import { HELP } from '../../../src/cli/help.ts';
import { absencesOf } from '../../support/absence.ts';
import { documents, textOf } from '../../support/example-files.ts';

/** Exported names, types among them, and methods of the loop. */
const existing = new Set([
  ...[core, http, inspect, node, testing].flatMap((entry) => Object.keys(entry)),
  ...[...textOf('api/asyncio-ts.api.md').matchAll(/^```ts$([\s\S]*?)^```$/gm)].flatMap(([, declarations]) =>
    declaredBy(parse('report.d.ts', declarations!).program).map(({ name }) => name),
  ),
  ...Object.getOwnPropertyNames(core.EventLoop.prototype).filter((name) => name !== 'constructor'),
  ...[...HELP.matchAll(/^ {2}([a-z]+) /gm)].map(([, command]) => `asyncio ${command}`),
]);

// Decisions and the changelog tell what was so when they were written.
const guides = documents().filter((file) => !file.startsWith('docs/decisions/'));

describe('what a document calls missing', () => {
  test.each(guides)('is missing: %s', (file) => {
    const wrong = absencesOf(textOf(file)).flatMap(({ line, names }) =>
      names.filter((name) => existing.has(name)).map((name) => `${file}:${line}: there is ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('is found in the tables for Pythonistas', () => {
    const names = absencesOf(textOf('docs/from-asyncio.md')).flatMap((absence) => absence.names);
    expect(names.length).toBeGreaterThan(20);
    expect(names).toContain('addReader');
  });
});

describe('a statement that something is missing', () => {
  test('is a row with a dash, or one that says so: its first cell has the names', () => {
    const table =
      '| Python | here |\n| --- | --- |\n| `create_task`, `loop.call_soon(f)` | – |\n| `Lock` | not yet |\n| `Event` | `Event` |\n| – | `shared` |';
    expect(absencesOf(table)).toEqual([
      { line: 3, names: ['createTask', 'callSoon'] },
      { line: 4, names: ['Lock'] },
    ]);
  });

  test('is a sentence, whose neighbours say nothing about it', () => {
    expect(absencesOf('Use `gather`. There is no `sleep`; `wait_for` does not exist. `run` does.')).toEqual([
      { line: 1, names: ['sleep'] },
      { line: 1, names: ['waitFor'] },
    ]);
  });

  test('may be about a command', () => {
    const rows = '| `python -m asyncio` (the REPL) | – |\n| `python -m asyncio ps`, `pstree` | – | not yet |';
    expect(absencesOf(rows).flatMap(({ names }) => names)).toEqual(['asyncio repl', 'asyncio ps', 'asyncio pstree']);
  });

  test('is not code', () => {
    expect(absencesOf('```ts\n// `gather` is missing\n```')).toEqual([]);
  });
});
