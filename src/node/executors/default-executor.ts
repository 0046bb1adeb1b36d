/** Imported for what it does: loops that the program gives no executor have threads from now on. Listed in package.json as such. */

import { provideDefaultExecutor } from '../../internal/default-executor.ts';
import { ThreadPoolExecutor } from './thread-pool.ts';

provideDefaultExecutor(() => new ThreadPoolExecutor());
