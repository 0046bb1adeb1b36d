export { type Stall, type StallOptions, StallWatch, watchStalls } from './watch-stalls.ts';
