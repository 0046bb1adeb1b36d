/** What crosses the border to another thread or process, and how. */
export { pack, packThrown } from './pack.ts';
export type { Border, Packed } from './packed.ts';
export { guarded, messageOf, shown } from './reading.ts';
export { type Problem, sentence } from './search.ts';
export { unpack } from './unpack.ts';
