import { beforeAll, describe, expect, test } from 'vitest';
import {
  documents,
  type Example,
  examplesOfDocument,
  examplesOfSource,
  judge,
  sources,
  type Verdict,
} from '../../support/examples.ts';

const examples = new Map<string, Example[]>([
  ...documents().map((file) => [file, examplesOfDocument(file)] as const),
  ...sources().map((file) => [file, examplesOfSource(file)] as const),
]);

let verdicts: Map<Example, Verdict>;

beforeAll(async () => {
  verdicts = await judge([...examples.values()].flat());
}, 60_000);

for (const [file, ofFile] of examples) {
  if (ofFile.length === 0) continue;
  describe(file, () => {
    for (const example of ofFile) {
      test(`the example in line ${example.line} compiles`, () => {
        expect(verdicts.get(example)?.compileErrors).toEqual([]);
      });
      test(`the example in line ${example.line} runs, and prints what it says`, () => {
        expect(verdicts.get(example)?.runErrors).toEqual([]);
      });
    }
  });
}
