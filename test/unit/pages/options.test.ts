import { ValueError } from 'asyncio-ts';
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../../src/pages/options.ts';

const given = (value: unknown): never => value as never;

describe('useTask()', () => {
  it('names tasks after the function, unless a name is given', () => {
    async function search(): Promise<void> {}
    expect(settingsOf(search, {}).name).toBe('search');
    expect(settingsOf(search, { name: 'find' }).name).toBe('find');
    expect(settingsOf(async () => {}, {}).name).toBe('useTask');
  });

  it('restarts when nothing else is said', () => {
    expect(settingsOf(async () => {}, {}).rule).toBe(settingsOf(async () => {}, { policy: 'restart' }).rule);
  });

  it.each([
    ['lastest', "useTask: policy must be restart, latest, queue, drop, got 'lastest'"],
    ['toString', "useTask: policy must be restart, latest, queue, drop, got 'toString'"],
    [null, 'useTask: policy must be restart, latest, queue, drop, got null'],
    [5, 'useTask: policy must be restart, latest, queue, drop, got 5'],
  ])('refuses the policy %s', (policy, message) => {
    const call = () => settingsOf(async () => {}, { policy: given(policy) });
    expect(call).toThrow(ValueError);
    expect(call).toThrow(message);
  });

  it('refuses a promise in place of a function, and says what to write', () => {
    expect(() => settingsOf(Promise.resolve(1), {})).toThrow(
      'useTask: an async function or a generator function is required, got <promise>; write useTask(async () => …)',
    );
  });

  it('refuses options that do not exist, and a policy by position', () => {
    expect(() => settingsOf(async () => {}, given({ polcy: 'drop' }))).toThrow(
      "useTask: there is no option 'polcy'; write { policy: … }; its options are policy, name",
    );
    expect(() => settingsOf(async () => {}, given('drop'))).toThrow("write { policy: 'drop' }");
    expect(() => settingsOf(async () => {}, given({ throwOnError: true }))).toThrow('throwOnError');
    expect(settingsOf(async () => {}, given({ throwOnError: true }), ['throwOnError']).name).toBe('useTask');
  });
});
