import { ValueError } from '../../errors/errors.ts';
import { describe } from '../../internal/describe.ts';
import { TRACE_FORMAT, TRACE_VERSION, type TraceDocument } from './events.ts';

/**
 * Reads the text of a trace file.
 *
 * @param name what the text is called in errors
 * @throws {ValueError} when it is empty, cut off, damaged, not JSON, not a trace of this library, or of another version
 */
export function readTrace(text: string, name = 'the trace'): TraceDocument {
  const refuse = (problem: string): ValueError => new ValueError(`${name} ${problem}`, { code: 'BAD_TRACE' });
  if (text.trim() === '')
    throw refuse('is empty: the program has ended before it wrote anything; write asyncio run --trace FILE');
  const found = parse(text);
  if (found === undefined) {
    if (text.trimStart().startsWith('{') && text.includes(`"${TRACE_FORMAT}"`)) {
      if (text.trimEnd().endsWith(END))
        throw refuse('is damaged, or two traces in one file: it has an end, and is not JSON');
      throw refuse(
        `ends in the middle, after ${text.length} characters: the program was stopped while it wrote; record it again`,
      );
    }
    throw refuse(`is not JSON: ${DESCRIPTION}`);
  }
  const { otherData, traceEvents } = (typeof found === 'object' && found !== null ? found : {}) as {
    otherData?: { format?: unknown; version?: unknown } | null;
    traceEvents?: unknown;
  };
  if (otherData?.format !== TRACE_FORMAT) throw refuse(`is no trace of asyncio-ts: ${DESCRIPTION}`);
  if (otherData.version !== TRACE_VERSION) {
    throw refuse(
      `has version ${JSON.stringify(otherData.version)} of the format, and this is a reader of version ${TRACE_VERSION}: ` +
        'use the asyncio-ts that has written it',
    );
  }
  if (!Array.isArray(traceEvents)) throw refuse('has no list of events: traceEvents must be an array');
  const damaged = traceEvents.findIndex((event) => !isEvent(event));
  if (damaged >= 0) {
    throw refuse(
      `is damaged: traceEvents[${damaged}] is ${describe(traceEvents[damaged])}, and no event; record it again`,
    );
  }
  return found as TraceDocument;
}

/** What no trace goes on after. */
const END = ']}';

/** Whether a value has what every event has. */
function isEvent(value: unknown): boolean {
  const { ph, name, pid, tid, ts } = (value ?? {}) as Record<string, unknown>;
  return typeof ph === 'string' && typeof name === 'string' && [pid, tid, ts].every(Number.isFinite);
}

const DESCRIPTION = 'a file is expected that asyncio run --trace, startTracing or a flight recorder has written';

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
