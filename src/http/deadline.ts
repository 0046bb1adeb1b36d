/** Deadlines that clients send along. */

/** Seconds of each unit of `grpc-timeout`. */
const GRPC_UNITS: Readonly<Record<string, number>> = { H: 3_600, M: 60, S: 1, m: 1e-3, u: 1e-6, n: 1e-9 };

/** The time that a header allows, in seconds; `null` when it is absent, or makes no sense. */
function secondsOf(name: string, value: string | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  if (name === 'grpc-timeout') {
    const match = /^(\d{1,8})([HMSmun])$/.exec(value.trim());
    return match === null ? null : Number(match[1]) * GRPC_UNITS[match[2]!]!;
  }
  return /^\d{1,10}$/.test(value.trim()) ? Number(value) / 1_000 : null;
}

/**
 * The time that a request has: the shortest of what the server and the client allow, in seconds; `null` when nobody limits it.
 *
 * @param own what the server allows
 * @param read gives the value of a header
 */
export function allowedSeconds(
  own: number | null,
  headers: readonly string[],
  read: (name: string) => string | null | undefined,
): number | null {
  let allowed = own;
  for (const name of headers) {
    const seconds = secondsOf(name, read(name));
    if (seconds !== null && (allowed === null || seconds < allowed)) allowed = seconds;
  }
  return allowed;
}

/** What is left of a time, as a header says it. */
export function headerOf(name: string, seconds: number): string {
  const milliseconds = Math.max(0, Math.floor(seconds * 1_000));
  return name === 'grpc-timeout' ? `${Math.min(milliseconds, 99_999_999)}m` : String(milliseconds);
}
