import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ValueError } from '../errors/errors.ts';
import type { TraceDocument } from '../inspect/trace/events.ts';
import { readTrace } from '../inspect/trace/read-trace.ts';
import type { TraceCommand } from './command-line.ts';
import { isSameFile } from './same-file.ts';
import { safeText } from './terminal/display.ts';
import { tracePage } from './trace-page.ts';
import { UsageError } from './usage-error.ts';

/**
 * Makes a page of a trace file.
 *
 * @param tell shows a text to the user: where the page is, or the page itself
 * @throws {UsageError} when the file cannot be read, holds no trace, or the page cannot be written
 */
export function makePage({ file, output }: TraceCommand, tell: (text: string) => void): void {
  const { trace, isCut } = loadTrace(file);
  const target = output ?? `${file.replace(/\.json$/, '')}.html`;
  if (target !== '-' && isSameFile(target, file)) {
    throw new UsageError(`'${target}' is the trace itself, which the page would replace: write -o with another name`);
  }
  const page = tracePage({ title: path.basename(file), trace, viewer: viewer() });
  if (target === '-') {
    tell(page);
    return;
  }
  try {
    writeFileSync(target, page);
  } catch (error) {
    throw new UsageError(`cannot write '${target}': ${(error as Error).message}`);
  }
  const { dropped, reason } = trace.otherData;
  const facts = [`${trace.traceEvents.length} events`];
  if (dropped !== undefined) facts.push(`${dropped} earlier ones were not kept`);
  if (isCut) facts.push('the file ends in the middle: the program was stopped while it wrote');
  if (reason !== undefined) facts.push(`written because: ${reason}`);
  tell(`${target}: ${safeText(facts.join('; '))}\n`);
}

/**
 * The trace in a file, and whether the file ends in the middle: then the trace has the events before that.
 *
 * @throws {UsageError} when the file cannot be read, or holds no trace
 */
export function loadTrace(file: string): { readonly trace: TraceDocument; readonly isCut: boolean } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot open '${file}': ${(error as Error).message}`);
  }
  try {
    return { trace: readTrace(text, `'${file}'`), isCut: false };
  } catch (error) {
    const trace = wholeLinesOf(text);
    if (trace !== null) return { trace, isCut: true };
    if (error instanceof ValueError) throw new UsageError(error.message);
    throw error;
  }
}

/**
 * The events of a trace that was cut off while it was written, which is when one most wants to see it; each is a line of its own. `null` where
 * none is whole, and where something else is wrong.
 */
function wholeLinesOf(text: string): TraceDocument | null {
  for (const end of [text.length, text.lastIndexOf('\n')]) {
    try {
      const trace = readTrace(`${text.slice(0, end).replace(/,?\s*$/, '')}]}`);
      if (trace.traceEvents.length > 0) return trace;
    } catch {
      // The last line is not whole, or it was no trace.
    }
  }
  return null;
}

/** The built module of the timeline, which imports nothing. */
function viewer(): string {
  const built = ['../bundle/timeline/index.js', '../../dist/bundle/timeline/index.js'];
  const found = built.map((name) => new URL(name, import.meta.url)).find((url) => existsSync(url));
  if (found === undefined) throw new UsageError('the timeline is not built: write npm run build');
  return readFileSync(found, 'utf8');
}
