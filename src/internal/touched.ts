/** Who is told which locks, events and queues each step of a program uses; set while schedules are explored that leave out equivalent ones. */
export const touched: { note: ((object: object) => void) | undefined } = { note: undefined };

/** Something reads or changes the state of an object that tasks share. While nobody is told, this costs one comparison. */
export function touch(object: object): void {
  touched.note?.(object);
}
