import path from 'node:path';
import { build as esbuild } from 'esbuild';
import { rolldown } from 'rolldown';
import { build as vite } from 'vite';
import webpack from 'webpack';

/** Programs by name, in a folder whose `node_modules` has the package, and where their bundles belong: `<name>.mjs`, minified. */
export interface Job {
  readonly folder: string;
  readonly programs: Readonly<Record<string, string>>;
  readonly output: string;
}

export type Bundle = (job: Job) => Promise<void>;

/** What a bundle for Node leaves outside, besides the modules of Node: a dependency of the package. */
const EXTERNAL = ['piscina'];

/** As for a browser: the modules of the package, of which a bundle takes those that it needs. */
export const withEsbuild: Bundle = async ({ folder, programs, output }) => {
  await esbuild({
    absWorkingDir: folder,
    entryPoints: { ...programs },
    outdir: output,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    keepNames: true, // messages show the names of classes and functions
    format: 'esm',
    platform: 'neutral',
    external: ['node:*', ...EXTERNAL],
    logLevel: 'error',
  });
};

/** For Node: the bundle that the package has for it. */
export const withEsbuildForNode: Bundle = async ({ folder, programs, output }) => {
  await esbuild({
    absWorkingDir: folder,
    entryPoints: { ...programs },
    outdir: output,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    external: EXTERNAL,
    logLevel: 'error',
  });
};

/** Each program by itself: several in one bundle would share modules, and what one of them needs would be there for all. */
export const withRolldown: Bundle = async ({ folder, programs, output }) => {
  for (const [name, file] of Object.entries(programs)) {
    const bundle = await rolldown({
      cwd: folder,
      input: file,
      platform: 'neutral',
      external: [/^node:/, ...EXTERNAL],
      logLevel: 'silent',
    });
    await bundle.write({
      file: path.join(output, `${name}.mjs`),
      format: 'esm',
      minify: true,
      keepNames: true,
      codeSplitting: false,
    });
    await bundle.close();
  }
};

export const withVite: Bundle = async ({ folder, programs, output }) => {
  for (const [name, file] of Object.entries(programs)) {
    await vite({
      root: folder,
      configFile: false,
      logLevel: 'silent',
      build: {
        outDir: output,
        emptyOutDir: false,
        target: 'esnext',
        lib: { entry: file, formats: ['es'], fileName: () => `${name}.mjs` },
        rolldownOptions: { external: [/^node:/, ...EXTERNAL], output: { keepNames: true, codeSplitting: false } },
      },
    });
  }
};

export const withWebpack: Bundle = async ({ folder, programs, output }) => {
  const compiler = webpack({
    context: folder,
    mode: 'production',
    devtool: false,
    target: 'es2024',
    entry: { ...programs },
    experiments: { outputModule: true },
    output: { path: output, filename: '[name].mjs', module: true, library: { type: 'module' } },
    // Names stay as they are: messages show them.
    optimization: { splitChunks: false, runtimeChunk: false, minimize: false },
    externalsType: 'module',
    externals: [/^node:/, ...EXTERNAL],
  });
  if (compiler === null) throw new Error('webpack made no compiler');
  await new Promise<void>((resolve, reject) => {
    compiler.run((error, stats) => {
      compiler.close(() => {});
      if (error) reject(error);
      else if (stats?.hasErrors() === true) reject(new Error(stats.toString({ all: false, errors: true })));
      else resolve();
    });
  });
};
