import { globSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Family } from './kernel.ts';

const folder = fileURLToPath(new URL('./families/', import.meta.url));

/** All families: each file in `families/` exports one as `family`. */
export async function loadFamilies(): Promise<Family[]> {
  const files = globSync('*.ts', { cwd: folder }).sort();
  const modules = await Promise.all(files.map((file) => import(pathToFileURL(folder + file).href)));
  const families = modules.map((module: { readonly family: Family }) => module.family);
  return families.sort((a, b) => (a.order ?? 100) - (b.order ?? 100));
}
