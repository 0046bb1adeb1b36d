// Checks the tarball that would be published: publint, its types for themselves, and "are the types wrong" for users of ES modules.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inRoot, needBuild, root, run } from './lib/project.ts';

needBuild();
const folder = mkdtempSync(path.join(os.tmpdir(), 'asyncio-ts-pack-'));
try {
  const packed = spawnSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (packed.status !== 0) throw new Error(`npm pack failed: ${packed.stderr}`);
  const { name, files } = report(packed.stdout);
  console.log(`${name}: ${files.length} files`);
  const stray = files.filter(
    (file) => !/^(dist|src|docs)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file),
  );
  if (stray.length > 0) console.error(`files that should not be published: ${stray.join(', ')}`);

  const tarball = path.join(folder, name);
  const lint = run(process.execPath, [inRoot('node_modules/publint/src/cli.js'), 'run', '--strict', tarball]);
  const attw = inRoot('node_modules/@arethetypeswrong/cli/dist/index.js');
  const types = run(process.execPath, [
    attw,
    tarball,
    '--profile',
    'esm-only',
    '--no-emoji',
    '--no-color',
    '--no-definitely-typed',
  ]);
  const core = ['index', 'testing/index'];
  const declarations = [
    declarationsHold(core, ['--lib', 'esnext', '--types', '']),
    declarationsHold(core, ['--lib', 'esnext,dom', '--types', '']),
    // What the tsconfig of a page often has: nothing newer, and no types of Node.
    declarationsHold(core, ['--lib', 'es2022,dom', '--target', 'es2022', '--types', '']),
    declarationsHold(core, [
      '--lib',
      'es2022,dom',
      '--module',
      'esnext',
      '--moduleResolution',
      'bundler',
      '--types',
      '',
    ]),
    declarationsHold([...core, 'node/index'], ['--lib', 'esnext', '--types', 'node']),
    declarationsHold(['distributed/index', 'bullmq/index', 'nats/index'], ['--lib', 'esnext', '--types', 'node']),
    declarationsHold(['node-test/index', 'jest/index', 'bun-test/index'], ['--lib', 'esnext', '--types', 'node']),
    declarationsHold(['timeline/index'], ['--lib', 'es2022,dom', '--target', 'es2022', '--types', '']),
    declarationsHold(
      ['inspect/index', 'opentelemetry/index', 'react/index', 'vue/index', 'svelte/index', 'solid/index'],
      ['--lib', 'es2022,dom', '--target', 'es2022', '--types', ''],
    ),
    // The declarations of Vitest do not hold without the types of the DOM, and are not ours to check.
    declarationsHold(['vitest/index'], ['--lib', 'esnext,dom', '--types', 'node', '--skipLibCheck', 'true']),
    declarationsHold([...core, 'node/index'], ['--lib', 'es2022', '--target', 'es2022', '--types', 'node']),
  ];
  const problems = [...mapProblems(), ...sideEffectProblems()];
  for (const problem of problems) console.error(problem);
  const isWrong = stray.length > 0 || lint !== 0 || types !== 0 || declarations.includes(false) || problems.length > 0;
  process.exitCode = isWrong ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * Whether the published types stand by themselves. What is marked @internal is left out of them, and a class may be left without
 * a member that an interface of its asks for: nobody sees that who does not check libraries.
 */
function declarationsHold(entries: readonly string[], environment: readonly string[]): boolean {
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    'false',
    // The last one of an option counts.
    '--module',
    'nodenext',
    '--target',
    'esnext',
    ...environment,
  ];
  const files = entries.map((name) => inRoot(`dist/${name}.d.ts`));
  return run(process.execPath, [inRoot('node_modules/typescript/bin/tsc'), ...options, ...files]) === 0;
}

/** Source maps lead to src, which is in the package: a stack of the bundle shows the line that somebody wrote. */
function mapProblems(): string[] {
  const maps = globSync('dist/**/*.js.map', { cwd: root });
  if (maps.length === 0) return ['dist has no source maps'];
  return maps.flatMap((map) => {
    const { sources } = JSON.parse(readFileSync(inRoot(map), 'utf8')) as { sources: string[] };
    const files = sources.map((source) => path.join(path.dirname(map), source));
    const isOfSrc = (file: string): boolean => file.startsWith(`src${path.sep}`) && existsSync(inRoot(file));
    const wrong = files.filter((file) => !isOfSrc(file));
    return wrong.length === 0 ? [] : [`${map} leads to ${wrong[0]}, which is no file of src`];
  });
}

/** A module that was moved would lose its side effect in bundles, and only there. */
function sideEffectProblems(): string[] {
  const { sideEffects } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')) as { sideEffects: string[] };
  return sideEffects
    .filter((file) => !existsSync(inRoot(file)))
    .map((file) => `package.json names ${file} among the modules with side effects, and there is no such file`);
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** npm 11 and before print a list, later ones an object by package name. */
function report(json: string): { name: string; files: string[] } {
  const all = Object.values(JSON.parse(json) as Record<string, Packed>);
  const [first] = all;
  if (first === undefined) throw new Error(`npm pack reported nothing: ${json}`);
  return { name: first.filename, files: first.files.map((file) => file.path) };
}
