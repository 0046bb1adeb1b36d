/**
 * Imported for its side effect: loops for which the program sets no executor use threads from now on. Listed in package.json as having one.
 */

import { provideDefaultExecutor } from '../../internal/default-executor.ts';
import { ThreadPoolExecutor } from './thread-pool.ts';

provideDefaultExecutor(() => new ThreadPoolExecutor());
