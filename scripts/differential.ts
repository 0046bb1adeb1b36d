// Random programs on CPython and on the built library (test/differential/README.md). Arguments are passed on.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import os from 'node:os';
import { inRoot, needBuild, run, skipped } from './lib/project.ts';
import { has, missing } from './lib/referee.ts';

/** What a program may use of parts that come after the core, with an export of each part. */
const PARTS = {
  lock: 'Lock',
  event: 'Event',
  cond: 'Condition',
  sem: 'Semaphore',
  barrier: 'Barrier',
  queue: 'Queue',
};
/** `TaskGroup.cancel()` came after the CPython that is the reference. */
const NO_REFERENCE = 'tgcancel';

const python = findPython();
if (python === null) {
  skipped('differential: no CPython 3.13 was found (PYTHON313 names one)');
} else {
  const given = process.argv.slice(2);
  const chosen: string[] = [];
  let absent: string[] = [];
  if (!has(given, '--lib') && !has(given, '--py-vs-py')) {
    needBuild();
    chosen.push('--lib', inRoot('dist/index.js'));
    if (!has(given, '--without') && !has(given, '--prog')) absent = await missing(PARTS);
    if (absent.length > 0) chosen.push('--without', [NO_REFERENCE, ...absent].join());
  }
  process.exitCode = run(python, [inRoot('test/differential/diff.py'), ...chosen, ...given], {
    PYTHON313: python,
    NODE: process.execPath,
    PYTHONDONTWRITEBYTECODE: '1',
  });
  if (absent.length > 0) {
    skipped(`differential: programs with ${absent.join(', ')}: the library does not have these parts yet`);
  }
}

/** The same places in which diff.py looks. A version manager's placeholder is on the path without a Python behind it. */
function findPython(): string | null {
  const ofPyenv = globSync(`${os.homedir()}/.pyenv/versions/3.13.*/bin/python`).sort();
  const candidates = [process.env['PYTHON313'], ...ofPyenv.filter((file) => existsSync(file)), 'python3.13'];
  for (const candidate of candidates) {
    if (candidate === undefined || candidate === '') continue;
    const check = spawnSync(candidate, ['-c', 'import sys; sys.exit(sys.version_info[:2] != (3, 13))']);
    if (check.error === undefined && check.status === 0) return candidate;
  }
  return null;
}
