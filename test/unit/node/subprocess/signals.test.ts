import { ValueError } from 'asyncio-ts';
import { describe, expect, it } from 'vitest';
import { checkSignal, send, signalName, signalNumber } from '../../../../src/node/subprocess/signals.ts';
import { expectThrown } from '../../../support/mistakes.ts';

describe('signals', () => {
  it('have numbers, and names', () => {
    expect(checkSignal('f', 'SIGKILL')).toBe(9);
    expect(checkSignal('f', 15)).toBe(15);
    expect(checkSignal('f', 0)).toBe(0);
    expect(signalNumber('SIGINT')).toBe(2);
    expect(signalNumber('SIGNOTHING')).toBe(0);
    expect(signalName(9)).toBe('SIGKILL');
    expect(signalName(50)).toBe('signal 50');
  });

  it('that do not exist are refused, with the name that was meant', () => {
    const unknown = { type: ValueError, code: 'UNKNOWN_SIGNAL' };
    expectThrown(() => checkSignal('f', 'term'), { ...unknown, says: ["f: no such signal: 'term'", "'SIGTERM'?"] });
    expectThrown(() => checkSignal('f', 'sigint'), { ...unknown, says: ["did you mean 'SIGINT'?"] });
    expectThrown(() => checkSignal('f', 'SIGNOTHING'), { ...unknown, says: ["'SIGNOTHING'"] });
    for (const number of [-1, 65, 1.5, Number.NaN])
      expectThrown(() => checkSignal('f', number), { ...unknown, says: [String(number)] });
    for (const other of [null, undefined, {}, true])
      expectThrown(() => checkSignal('f', other), { type: TypeError, code: 'INVALID_ARGUMENT', says: ["'SIGTERM'"] });
  });

  it('say whether there was anybody to send them to', () => {
    expect(send(process.pid, 0)).toBe(true);
    expect(send(2 ** 22 + 1, 0)).toBe(false); // above the highest number of a process
    expect(() => send(process.pid, 'SIGNOTHING')).toThrow(/SIGNOTHING/);
  });
});
