import { RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { ContextVar } from '../index.ts';
import { pack, sentence } from '../node/border/index.ts';
import { encode } from './codec.ts';

/** Sends a progress report of the job that runs here. @internal */
export const reporter: ContextVar<((text: string) => void) | null> = /* @__PURE__ */ new ContextVar<
  ((text: string) => void) | null
>('asyncio-ts.progress', { default: null });

/**
 * Tells the client how far a job is: `job.progress()` there gives the values in order. Reports in between may be lost on the way; the last one is not,
 * as long as the job runs. To be called by a function that `serve` runs. Over NATS, which
 * carries no progress, it does nothing, and `job.progress()` throws. Called elsewhere, for instance when the function is called directly in
 * a test, it does nothing.
 *
 * @param value anything that can be sent
 * @throws {TypeError} when the value cannot be sent
 * @example
 * async function convert(files: readonly string[]): Promise<number> {
 *   for (const [i, file] of files.entries()) {
 *     await sleep(0.01);
 *     reportProgress({ file, done: i + 1, of: files.length });
 *   }
 *   return files.length;
 * }
 * console.log(await convert(['a.png', 'b.png'])); // 2
 */
export function reportProgress(value: unknown): void {
  const report = reporter.get();
  if (report === null) return;
  const packing = pack(value, 'process');
  if ('problem' in packing) {
    throw typeError(
      `reportProgress: the value cannot be sent: it${sentence(packing.problem)}`,
      'PROGRESS_NOT_CLONEABLE',
    );
  }
  report(JSON.stringify(encode(packing.packed)));
}

/** For engines without progress. @internal */
export function noProgress(engine: string): RuntimeError {
  return new RuntimeError(
    `progress cannot be reported over ${engine}, which carries only results: use the bullmq engine, or publish it yourself`,
    { code: 'NO_PROGRESS' },
  );
}
