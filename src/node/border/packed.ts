/** The two borders that values cross: to another thread by `postMessage`, to another process as bytes of `v8.serialize`. */
export type Border = 'thread' | 'process';

/**
 * A value on its way. The runtime's clone loses the class and most fields of errors, so errors travel beside the value:
 *
 *     value:  { result: ◦, log: […] }
 *                       │ the same object: identity survives a clone
 *     errors: [ { place ◦, classes, message, fields: [['cause', ◦₂, false], …] },
 *               { place ◦₂, … } ]
 *
 * The list is flat, however the errors refer to each other, so neither a circle nor a long chain of causes takes more than linear time.
 */
export interface Packed {
  readonly value: unknown;
  /** Absent when there is no error in it: the usual case, in which `value` is what was given, not a copy. */
  readonly errors?: readonly PackedError[];
}

/** An error as data. */
export interface PackedError {
  /** An empty object that is used in place of the error wherever the error is referred to. */
  readonly place: object;
  /** The class and those that it extends, the nearest first. */
  readonly classes: readonly PackedClass[];
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Own properties: key, value, and whether it is enumerable. `cause` and `errors` are among them. */
  readonly fields: readonly (readonly [key: string, value: unknown, enumerable: boolean])[];
}

export interface PackedClass {
  readonly name: string;
  /** Whether the class has a getter for its name, as the classes of this library do. A program's class may have the same name. */
  readonly hasNameGetter: boolean;
}
