import { describe } from '../../internal/describe.ts';
import type { CallOutcome, RecordedCall } from './history.ts';

/** An operation in one line: `write(1)`, `read() → 0`. */
export function tellCall({ name, args, outcome }: RecordedCall): string {
  return `${name}(${args.map((arg) => describe(arg)).join(', ')})${tellOutcome(outcome)}`;
}

function tellOutcome(outcome: CallOutcome): string {
  switch (outcome.kind) {
    case 'error':
      return ` threw ${outcome.error instanceof Error ? outcome.error.name : describe(outcome.error)}`;
    case 'result':
      return outcome.value === undefined ? '' : ` → ${describe(outcome.value)}`;
    default:
      return ' …';
  }
}

/**
 * Operations as bars over time, one line for each client:
 *
 *     a  ├─write(1)─┤
 *     b       ├─read() → 0─┤
 */
export function drawCalls(calls: readonly RecordedCall[]): string {
  const columns = columnsOf(calls);
  const end = Math.max(...columns.values()) + 2;
  const clients = [...new Set(calls.map(({ client }) => client))];
  const width = Math.max(...clients.map((client) => client.length));
  const lines: string[] = [];
  for (const client of clients) {
    // Of a client whose operations overlap, several lines.
    for (const row of rowsOf(calls.filter((call) => call.client === client))) {
      let line = '';
      for (const call of row) {
        const begin = columns.get(call.calledAt)!;
        line = `${line.padEnd(begin)}${bar(tellCall(call), begin, call.endedAt === null ? null : columns.get(call.endedAt)!, end)}`;
      }
      lines.push(`  ${client.padEnd(width)}  ${line}`);
    }
  }
  return lines.join('\n');
}

function bar(text: string, begin: number, at: number | null, end: number): string {
  const length = (at ?? end) - begin + 1;
  const room = length - 2;
  const before = (room - text.length) >> 1;
  const filled = `${'─'.repeat(Math.max(before, 1))}${text}`.padEnd(room, '─');
  return `├${filled}${at === null ? '╌' : '┤'}`;
}

/** Where each call and end is drawn, so that every text fits between the two of its operation. */
function columnsOf(calls: readonly RecordedCall[]): Map<number, number> {
  const events = calls
    .flatMap((call) => [
      { at: call.calledAt, call, isEnd: false },
      ...(call.endedAt === null ? [] : [{ at: call.endedAt, call, isEnd: true }]),
    ])
    .sort((a, b) => a.at - b.at);
  const columns = new Map<number, number>();
  const lastOf = new Map<string, number>();
  let column = -2;
  for (const { at, call, isEnd } of events) {
    column += 2;
    if (isEnd) column = Math.max(column, columns.get(call.calledAt)! + tellCall(call).length + 3);
    else column = Math.max(column, (lastOf.get(call.client) ?? -3) + 3);
    columns.set(at, column);
    lastOf.set(call.client, column);
  }
  return columns;
}

function rowsOf(calls: readonly RecordedCall[]): RecordedCall[][] {
  const rows: RecordedCall[][] = [];
  for (const call of calls) {
    const row = rows.find((row) => {
      const last = row.at(-1)!;
      return last.endedAt !== null && last.endedAt < call.calledAt;
    });
    if (row === undefined) rows.push([call]);
    else row.push(call);
  }
  return rows;
}
