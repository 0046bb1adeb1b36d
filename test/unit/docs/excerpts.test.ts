import { describe, expect, test } from 'vitest';
import { documents, excerptsOfDocument, textOf } from '../../support/example-files.ts';

const excerpts = documents().flatMap(excerptsOfDocument);

describe('a block of a document that is of an example', () => {
  test('is looked for', () => {
    expect(excerpts.length).toBeGreaterThan(0);
  });

  test.each(excerpts)('stands in it as it is: $file, line $line', ({ of, code }) => {
    expect(textOf(of)).toContain(`${code}\n`);
  });
});
