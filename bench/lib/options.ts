import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface Options {
  /** Names of subjects; all when empty. */
  readonly only: readonly string[];
  /** A tenth of the operations and a third of the rounds: to see that everything runs, not to quote. */
  readonly quick: boolean;
  readonly rounds: number | null;
  readonly peers: boolean;
  readonly cpython: boolean;
  readonly io: boolean;
  /** A file for the results without the single samples, fit to be committed. */
  readonly save: string | null;
}

const USAGE = `usage: npm run bench -- [options]      node --expose-gc bench/subjects/NAME.ts [options]

  --only NAME     only this subject (again, or with commas, for several)
  --quick         fewer operations and rounds: a check that it runs, not figures to quote
  --rounds N      so many rounds of each
  --peers         also Effect, effection, p-queue, p-limit, async-mutex, fastq
  --cpython       also CPython's asyncio (PYTHON313 names one), and uvloop where there is one (PYTHON_UVLOOP)
  --io            also sockets: echo, bulk, memory, and whether bytes are lost
  --save FILE     also write the results, without the single samples, to a file
`;

/** Reads the command line; `null` when it asked for help or was wrong, which has been said then. */
export function parseOptions(args: readonly string[]): Options | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        peers: { type: 'boolean', default: false },
        cpython: { type: 'boolean', default: false },
        io: { type: 'boolean', default: false },
        save: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return null;
    }
    return {
      only: values.only.flatMap((names) => names.split(',')),
      quick: values.quick,
      rounds: values.rounds === undefined ? null : wholeNumber(values.rounds),
      peers: values.peers,
      cpython: values.cpython,
      io: values.io,
      save: values.save ?? null,
    };
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exitCode = 2;
    return null;
  }
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--rounds must be a whole number from 1, got '${text}'`);
  return number;
}
