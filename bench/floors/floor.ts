import type { Contender, Subject } from '../lib/subject.ts';

/**
 * A subject beside its floors: the same work by a few lines that do only a part of what a task needs, so that the difference between two
 * of them is the price of what the second one adds.
 */
export function floorOf(subject: Subject, floors: readonly Contender[]): Subject {
  return { ...subject, name: `${subject.name}-floor`, contenders: [...subject.contenders, ...floors] };
}
