/** The seam between the playground and what draws its tasks. */
export { createTimeline, type Timeline } from './timeline-view.ts';
