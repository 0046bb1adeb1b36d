/** Bytes on the heap that something still refers to. */
export function liveBytes(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('memory can be measured only with node --expose-gc');
  // Twice: what the first collection finalises, the second one frees.
  gc();
  gc();
  return process.memoryUsage().heapUsed;
}
