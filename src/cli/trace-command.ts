import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ValueError } from '../errors/errors.ts';
import { readTrace, type TraceDocument } from '../inspect/index.ts';
import type { TraceCommand } from './command-line.ts';
import { tracePage } from './trace-page.ts';
import { UsageError } from './usage-error.ts';

/**
 * Makes a page of a trace file.
 *
 * @param tell shows a text to the user: where the page is, or the page itself
 * @throws {UsageError} when the file cannot be read, holds no trace, or the page cannot be written
 */
export function makePage({ file, output }: TraceCommand, tell: (text: string) => void): void {
  const trace = load(file);
  const page = tracePage({ title: path.basename(file), trace, viewer: viewer() });
  if (output === '-') {
    tell(page);
    return;
  }
  const target = output ?? `${file.replace(/\.json$/, '')}.html`;
  try {
    writeFileSync(target, page);
  } catch (error) {
    throw new UsageError(`cannot write '${target}': ${(error as Error).message}`);
  }
  const { dropped, reason } = trace.otherData;
  const facts = [`${trace.traceEvents.length} events`];
  if (dropped !== undefined) facts.push(`${dropped} earlier ones were not kept`);
  if (reason !== undefined) facts.push(`written because: ${reason}`);
  tell(`${target}: ${oneLine(facts.join('; '))}\n`);
}

function load(file: string): TraceDocument {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot open '${file}': ${(error as Error).message}`);
  }
  try {
    return readTrace(text, `'${file}'`);
  } catch (error) {
    if (error instanceof ValueError) throw new UsageError(error.message);
    throw error;
  }
}

/** The built module of the timeline, which imports nothing. */
function viewer(): string {
  const built = ['../bundle/timeline/index.js', '../../dist/bundle/timeline/index.js'];
  const found = built.map((name) => new URL(name, import.meta.url)).find((url) => existsSync(url));
  if (found === undefined) throw new UsageError('the timeline is not built: write npm run build');
  return readFileSync(found, 'utf8');
}

/** What a file says is shown without the characters that a terminal acts upon. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
