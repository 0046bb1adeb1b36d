/** What the channel between a program and its worker process takes; everything else on it comes from the code of jobs. */
export interface Envelope {
  /** Of the assignment, in the answer too: nobody else knows it. */
  readonly id: string;
  /** Of `v8.serialize`. */
  readonly bytes: Uint8Array;
}

export function isEnvelope(message: unknown): message is Envelope {
  const { id, bytes } = (message ?? {}) as Partial<Envelope>;
  return typeof id === 'string' && bytes instanceof Uint8Array;
}
