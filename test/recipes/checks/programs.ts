// The programs of the recipes that need nothing but the library; what they are made of has unit tests in virtual time.
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';

export default async function checkPrograms({ check }: Checks): Promise<void> {
  for (const recipe of ['retries', 'rate-limits', 'periodic-jobs', 'memoised', 'batched']) {
    await check(`the program of ${recipe}`, () => runExample(recipe));
  }
}
