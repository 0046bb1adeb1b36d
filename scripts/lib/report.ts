import { declaredBy, parse } from './syntax.ts';

/** The report of the public types, which `npm run api` writes. */
export const REPORT = 'api/asyncio-ts.api.md';

/** The names that each entry of the package exports according to the text of the report, types among them. */
export function exportedNames(report: string): Map<string, string[]> {
  const parts = report.matchAll(/^## `(.+?)`$[\s\S]*?^```ts$([\s\S]*?)^```$/gm);
  return new Map(
    Array.from(parts, ([, entry, text]) => [
      entry!,
      declaredBy(parse('report.d.ts', text!).program).map(({ name }) => name),
    ]),
  );
}
