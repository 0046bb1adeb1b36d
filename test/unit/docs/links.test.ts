import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { documents, ROOT, textOf } from '../../support/example-files.ts';

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(file: string): string[] {
  const prose = textOf(file).replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What is wrong with a link in a document, `null` when nothing is. */
function problemOf(file: string, link: string): string | null {
  const [place = '', anchor] = link.split('#');
  const target = place === '' ? file : path.posix.join(path.posix.dirname(file), place);
  if (!existsSync(path.join(ROOT, target))) return `${link}: there is no ${target}`;
  if (anchor === undefined || statSync(path.join(ROOT, target)).isDirectory()) return null;
  return anchorsOf(target).includes(anchor) ? null : `${link}: there is no such heading`;
}

describe('the links inside the repository', () => {
  test.each([...documents(), 'CONTRIBUTING.md', 'CHANGELOG.md'])('of %s lead somewhere', (file) => {
    const prose = textOf(file).replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
    const own = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(own.map((link) => problemOf(file, link)).filter((problem) => problem !== null)).toEqual([]);
  });
});
