import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file as a person writes it: relative to the folder that one is in, if it is below. A place in it, `file:line:column`, too. */
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
    return url; // of a program that makes up the addresses of its files
  }
}
