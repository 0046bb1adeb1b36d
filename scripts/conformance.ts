// CPython's own tests on the built library (test/conformance/README.md). Arguments are passed on to the harness.
import applicable from '../test/conformance/expected.json' with { type: 'json' };
import { inRoot, needBuild, run, skipped } from './lib/project.ts';
import { has, missing } from './lib/referee.ts';

/** Exit code of the harness when there is no CPython 3.13 with its test package on the machine. */
const NO_CPYTHON_TESTS = 3;
/** Test files of parts that come after the core, with an export of each part. */
const PARTS = { test_locks: 'Lock', test_queues: 'Queue' };

const given = process.argv.slice(2);
const chosen: string[] = [];
let absent: string[] = [];
if (!has(given, '--lib')) {
  needBuild();
  chosen.push('--lib', 'test/conformance/library.ts');
  if (!has(given, '--files')) absent = await missing(PARTS);
  if (absent.length > 0) {
    const files = Object.keys(applicable).filter((file) => !absent.includes(file));
    chosen.push('--files', files.join());
  }
}
const code = run(process.execPath, [inRoot('test/conformance/run.mjs'), ...chosen, ...given]);
if (code === NO_CPYTHON_TESTS) {
  skipped("conformance: no CPython 3.13 with its test package was found (CPYTHON_TESTS names a folder 'Lib/test')");
} else {
  if (absent.length > 0) skipped(`conformance: ${absent.join(', ')}: the library does not have these parts yet`);
  process.exitCode = code;
}
