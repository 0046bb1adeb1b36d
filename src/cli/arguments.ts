import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

/** The options before the first operand, and the operands: nothing after the first operand is read as an option. */
export function split<const O extends ParseArgsOptionsConfig>(argv: readonly string[], options: O) {
  const lenient = { args: [...argv], options, strict: false, allowPositionals: true, tokens: true } as const;
  const first = parseArgs(lenient).tokens.find((token) => token.kind === 'positional')?.index ?? argv.length;
  try {
    const { values } = parseArgs({ args: argv.slice(0, first), options, strict: true });
    return { values, operands: argv.slice(first) };
  } catch (error) {
    throw new UsageError(firstSentence(error));
  }
}

/** The first part of a message of `parseArgs`, which continues with advice about other commands than this one. */
function firstSentence(error: unknown): string {
  const [sentence] = String((error as Error).message).split('. ');
  return sentence!.charAt(0).toLowerCase() + sentence!.slice(1);
}
