import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const root = fileURLToPath(new URL('./', import.meta.url));
const src = `${root}src/`;

// Every process that a test starts loads the sources: what Node has compiled once, it need not compile again. Entries are told by the
// contents of their files, so that a run with them is the same as one without.
process.env['NODE_COMPILE_CACHE'] ??= `${root}.vitest/compile-cache`;

/** Tests of processes, threads, sockets, signals and whole programs: they wait for the system more than they compute. */
const SYSTEM = ['node', 'cli', 'examples', 'runner', 'tutorial', 'testing/fixtures'].map(
  (folder) => `test/unit/${folder}/**/*.test.ts`,
);

/** Tests with a framework of pages in a document, each in a process of its own. */
const PAGES = ['test/unit/pages/frameworks/**/*.test.ts'];

/** What takes longest, because it waits for processes and threads, or puts a load on: `npm run test:all` has it, `npm test` has not. */
const SLOW = [
  'test/unit/node/executors/executors.test.ts',
  'test/unit/node/threads/threads.test.ts',
  'test/unit/node/subprocess/leaks.test.ts',
  'test/unit/node/subprocess/process.test.ts',
  'test/unit/cli/attach/attach.test.ts',
  'test/unit/examples/build.test.ts',
  'test/unit/examples/chat.test.ts',
  'test/unit/examples/proxy.test.ts',
  'test/unit/bad-input/extremes.test.ts',
  'test/unit/testing/laws/cancellation.test.ts',
  'test/unit/http/ten-thousand-requests.test.ts',
  'test/unit/testing/explore/por.test.ts',
  'test/unit/testing/yardsticks.test.ts',
  'test/unit/timeline/page.test.ts',
  'test/unit/ownership/many-awaits-cost-linear-time.test.ts',
];

/** A test that says one of these changes or looks at what the whole process has: its loop, its memory, its modules. */
const PROCESS_WIDE = /\bsetEventLoop\b|\bresetModules\b|support\/gc\.ts/;

/** As above, for tests of the system: signals, folders and listeners of the process, and the descriptors that it has. */
const PROCESS_WIDE_SYSTEM =
  /\bsetEventLoop\b|\bresetModules\b|support\/gc\.ts|\bprocess\.(on|once|off|emit|kill|chdir|umask|exitCode)\b|\bspawn(Sync)?\(/;
/** The folders whose tests leave nothing behind but sockets and files that are closed. */
const SHARING = ['net', 'datagram', 'files', 'border', 'pipes'].map(
  (folder) => `test/unit/node/${folder}/**/*.test.ts`,
);

const filesOf = (patterns: string | readonly string[], but: readonly string[]): string[] =>
  globSync(patterns, { cwd: root, exclude: but }).map((file) => file.replaceAll('\\', '/'));
const says = (pattern: RegExp) => (file: string) => pattern.test(readFileSync(root + file, 'utf8'));

const processWide = filesOf('test/unit/**/*.test.ts', [...SYSTEM, ...SLOW, ...PAGES]).filter(says(PROCESS_WIDE));
const units = ['test/unit/**/*.test.ts'];
const sharing = filesOf([...SHARING, 'test/unit/cli/**/*.test.ts'], SLOW).filter(
  (file) => !says(PROCESS_WIDE_SYSTEM)(file),
);

// Unit tests run on the sources. Nothing here may make a run differ from the one before: fixed order, no retry, and
// test/setup.ts fixes the seed of fast-check.
const resolve = {
  alias: [
    { find: /^asyncio-ts$/, replacement: `${src}index.ts` },
    { find: /^asyncio-ts\/([\w-]+)$/, replacement: `${src}$1/index.ts` },
  ],
};

/** Compiles the Svelte components of the tests. The compiler takes long to load, and most runs do not need it. */
const svelte = {
  name: 'svelte-of-tests',
  async transform(code: string, file: string) {
    if (!file.endsWith('.svelte')) return undefined;
    const { compile } = await import('svelte/compiler');
    return { code: compile(code, { filename: file, generate: 'client' }).js.code };
  },
};

function project(
  name: string,
  groupOrder: number,
  options: TestProjectInlineConfiguration['test'],
  page: Pick<TestProjectInlineConfiguration, 'plugins' | 'resolve'> = {},
) {
  return {
    ...page,
    resolve: { ...resolve, ...page.resolve },
    test: {
      name,
      setupFiles: ['test/setup.ts'],
      globals: false,
      pool: 'forks' as const, // --expose-gc is a flag of the process, which a worker thread cannot have
      execArgv: ['--expose-gc'],
      sequence: { shuffle: false, concurrent: false, groupOrder },
      retry: 0,
      testTimeout: 5_000,
      ...options,
    },
  };
}

export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      // Files share a process: what one of them costs is mostly the start of a process and the loading of the library.
      project('units', 0, { include: units, exclude: [...processWide, ...SYSTEM, ...SLOW, ...PAGES], isolate: false }),
      project('process-wide', 0, { include: processWide }),
      // Solid and Svelte have other modules for servers, which Node would take.
      project(
        'pages',
        0,
        { include: PAGES, environment: 'happy-dom', server: { deps: { inline: [/solid-js/, /svelte/] } } },
        { plugins: [svelte], resolve: { conditions: ['browser', 'import', 'module', 'default'] } },
      ),
      // More at a time than there are cores, because they wait.
      project('sharing', 1, { include: sharing, isolate: false, maxWorkers: 4 }),
      project('system', 1, { include: SYSTEM, exclude: [...sharing, ...SLOW], maxWorkers: 4 }),
      project('slow', 2, { include: SLOW, maxWorkers: 4 }),
    ],
  },
});
