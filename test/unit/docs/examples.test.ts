import { beforeAll, describe, expect, test } from 'vitest';
import { documents, type Example, examplesOfDocument, examplesOfSource, sources } from '../../support/example-files.ts';
import { judge, type Verdict } from '../../support/examples.ts';

const examples = new Map<string, Example[]>([
  ...documents().map((file) => [file, examplesOfDocument(file)] as const),
  ...sources().map((file) => [file, examplesOfSource(file)] as const),
]);

/** Examples that must not pass: what finds no fault in them proves nothing. */
const wrong = {
  output: { file: 'output.md', line: 7, code: 'console.log(1 + 1); // 3' },
  silence: { file: 'silence.md', line: 1, code: 'if (Date.now() === 0) console.log(1); // 1' },
  type: { file: 'type.md', line: 1, code: "const count: number = 'one';\nvoid count;" },
  error: { file: 'error.md', line: 1, code: "throw new RangeError('too far');" },
  lost: {
    file: 'lost.md',
    line: 1,
    code: "import { createTask, sleep } from 'asyncio-ts';\ncreateTask(async () => {\n  await sleep(9);\n  throw await sleep(9, 'x');\n}).then();",
  },
} satisfies Record<string, Example>;

let verdicts: Map<Example, Verdict>;

beforeAll(async () => {
  verdicts = await judge([...[...examples.values()].flat(), ...Object.values(wrong)]);
}, 60_000);

for (const [file, ofFile] of examples) {
  if (ofFile.length === 0) continue;
  describe(file, () => {
    for (const example of ofFile) {
      test(`the example in line ${example.line} compiles`, () => {
        expect(verdicts.get(example)?.compileErrors).toEqual([]);
      });
      test(`the example in line ${example.line} runs, and prints what its comments say`, () => {
        expect(verdicts.get(example)?.runErrors).toEqual([]);
      });
    }
  });
}

describe('an example is refused', () => {
  test('when it prints something else than the comment says, or nothing', () => {
    expect(verdicts.get(wrong.output)?.runErrors).toEqual(['line 7 should print 3\nbut it printed    2']);
    expect(verdicts.get(wrong.silence)?.runErrors).toEqual(['line 1 should print 1\nbut it printed    nothing']);
  });

  test('when its types are wrong', () => {
    expect(verdicts.get(wrong.type)?.compileErrors).toEqual([expect.stringContaining('(1,7): error TS2322')]);
  });

  test('when it throws, at once or by something that it left running', () => {
    expect(verdicts.get(wrong.error)?.runErrors).toEqual([expect.stringContaining('RangeError: too far')]);
    expect(verdicts.get(wrong.lost)?.runErrors).toEqual(['unhandled: x']);
  });
});
