import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file, or a place `file:line:column`, as people write it: a path, which is relative where it is below the current folder. */
export function shownFile(url: string): string {
  const file = pathOf(url);
  if (!path.isAbsolute(file)) return file;
  const relative = path.relative('', file);
  return relative === '' || relative.startsWith('..') ? file : relative;
}

function pathOf(url: string): string {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url;
  } catch {
    return url; // not the address of a file: the program has made it up
  }
}
