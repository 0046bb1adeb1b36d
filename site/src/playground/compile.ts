import { transform } from 'sucrase';
import { hintsFor, looksLikePython } from './python.ts';

/** Makes of a TypeScript module what the worker can run. */

/** What the worker runs, or what is wrong with the program. */
export type Compiled =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'problem'; readonly lines: readonly string[] };

export function compile(program: string): Compiled {
  if (looksLikePython(program)) return { kind: 'problem', lines: hintsFor(program) };
  try {
    const { code } = transform(program, {
      transforms: ['typescript', 'imports'],
      disableESTransforms: true,
      preserveDynamicImport: false,
    });
    return { kind: 'code', code };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, what = message, line] = message.match(/^(?:Error transforming [^:]*: )?(.*?)\s*\((\d+):\d+\)/s) ?? [];
    return { kind: 'problem', lines: [line === undefined ? what : `line ${line}: ${what}`] };
  }
}
