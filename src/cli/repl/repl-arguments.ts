import { split } from '../arguments.ts';
import { UsageError } from '../usage-error.ts';

/** `asyncio repl`. */
export interface ReplCommand {
  readonly kind: 'repl';
}

/** @throws {UsageError} when the arguments are wrong */
export function parseRepl(argv: readonly string[]): ReplCommand | { readonly kind: 'help'; readonly topic: 'repl' } {
  const { values, operands } = split(argv, { help: { type: 'boolean', short: 'h' } });
  if (values.help === true) return { kind: 'help', topic: 'repl' };
  if (operands.length > 0) throw new UsageError(`repl: takes no file: write asyncio run ${operands[0]} to run one`);
  return { kind: 'repl' };
}
