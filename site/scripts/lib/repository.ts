import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { textOf } from '../../../test/support/example-files.ts';

export { filesLike, textOf } from '../../../test/support/example-files.ts';

/** The repository that this site is about: its files, its addresses, and where it is published. */

/** The folder of the site. */
export const SITE: string = path.resolve(import.meta.dirname, '../..');

/** The root of the repository. */
export const ROOT: string = path.resolve(SITE, '..');

/** The folder that Starlight reads; everything in it is written by `prepare.ts`. */
export const PAGES: string = path.join(SITE, 'src/content/docs');

/** The path under which the site is served; `SITE_BASE=/` for a site at the root of its host. */
export const BASE: string = (process.env['SITE_BASE'] ?? '/asyncio-ts').replace(/\/+$/, '');

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly repository: { readonly url: string };
  readonly exports: Readonly<Record<string, string | { readonly types?: string }>>;
}

/** The manifest of the package. */
export const manifest: Manifest = JSON.parse(textOf('package.json'));

/** The address of the repository in a browser. */
export const REPOSITORY: string = manifest.repository.url.replace(/^git\+/, '').replace(/\.git$/, '');

/** The entries that a program can import, by name: `asyncio-ts/testing` → `src/testing/index.ts`. */
export function entries(): Map<string, string> {
  const found = new Map<string, string>();
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string' || target.types === undefined) continue;
    const source = target.types.replace(/^\.\/dist\//, 'src/').replace(/\.d\.ts$/, '.ts');
    found.set(path.posix.join(manifest.name, subpath), source);
  }
  return found;
}

/** The address of a file or folder of the repository that is no page of the site. */
export function addressOf(file: string): string {
  const place = path.join(ROOT, file);
  if (!existsSync(place)) throw new Error(`a page links to ${file}, which does not exist: correct the link`);
  return `${REPOSITORY}/${statSync(place).isDirectory() ? 'tree' : 'blob'}/main/${file}`.replace(/\/$/, '');
}
