/** Wall-clock time in nanoseconds. */
export function now(): number {
  return performance.now() * 1e6;
}

/** CPU time of the whole process in nanoseconds, with what the engine's helper threads spent on compiling and collecting. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
}

/** Makes sure that a workload did what it says: a benchmark of the wrong thing is worse than none. */
export function check(got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`the workload went wrong: got ${String(got)}, wanted ${String(wanted)}`);
}

/** The sum of 0, 1, … count - 1: what workloads whose tasks return their number add up to. */
export function sumBelow(count: number): number {
  return (count * (count - 1)) / 2;
}
