/** What the watchdog thread is given. */
export interface WatchdogData {
  /** Counts the beats of the main thread. */
  readonly beats: Int32Array<SharedArrayBuffer>;
  /** After so long without a beat, the main thread is blocked. */
  readonly milliseconds: number;
}

/** What the watchdog has seen while the main thread was blocked. */
export interface WitnessedStall {
  /** The last beat before. */
  readonly beat: number;
  /** The task that ran; `null` when none did. */
  readonly task: string | null;
  /** The stack, the innermost frame first; `null` when it could not be had, as in a synchronous call of the system. */
  readonly frames: readonly WitnessedFrame[] | null;
}

/** A frame as the inspector tells it. */
export interface WitnessedFrame {
  readonly name: string;
  readonly url: string;
  readonly line: number;
  readonly column: number;
}
