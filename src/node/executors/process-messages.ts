/** The messages of the channel between a program and its worker process; all others come from the code of jobs. */
export interface Envelope {
  /** The key of the assignment, also in the answer; no other code knows it. */
  readonly id: string;
  /** Of `v8.serialize`. */
  readonly bytes: Uint8Array;
}

export function isEnvelope(message: unknown): message is Envelope {
  const { id, bytes } = (message ?? {}) as Partial<Envelope>;
  return typeof id === 'string' && bytes instanceof Uint8Array;
}
