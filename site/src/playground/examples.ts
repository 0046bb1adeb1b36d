/** The programs that one can choose, by their first line. */

const files = import.meta.glob<string>('./examples/*.ts', { query: '?raw', import: 'default', eager: true });

export interface ExampleProgram {
  readonly title: string;
  readonly code: string;
}

export const examples: readonly ExampleProgram[] = Object.entries(files)
  .sort(([a], [b]) => a.localeCompare(b))
  .map(([file, code]) => ({ title: titleOf(file), code }));

/** `./examples/4-at-most-two-at-a-time.ts` → `At most two at a time` */
function titleOf(file: string): string {
  const words = file
    .replace(/^.*\/\d+-/, '')
    .replace(/\.ts$/, '')
    .replaceAll('-', ' ');
  return `${words[0]!.toUpperCase()}${words.slice(1)}`;
}
