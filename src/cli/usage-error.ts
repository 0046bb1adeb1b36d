/** The command was called in a wrong way: the message says what to write instead, and the exit code is 2. */
export class UsageError extends Error {
  override get name(): string {
    return 'UsageError';
  }
}
