import { describe, expect, it } from 'vitest';
import { withoutPassword } from '../../../src/internal/without-password.ts';

describe('an address in a message', () => {
  it.each([
    ['redis://user:secret@h:6379/0', 'redis://user:…@h:6379/0'],
    ['redis://:secret@h', 'redis://:…@h'],
    ['user:secret@h', 'user:…@h'],
    ['redis://user:se:cret@h', 'redis://user:…@h'],
    ['redis://user:se@cret@h', 'redis://user:…@h'],
    ['postgres://user:se/cret@h/app', 'postgres://user:…@h/app'],
    ['nats://token@h', 'nats://…@h'],
  ])('%s has no password: %s', (address, shown) => {
    expect(withoutPassword(address)).toBe(shown);
  });

  it.each(['localhost:6379', 'redis://h:6379', '/run/redis.sock', '', 'a b'])(
    'that has none is shown as it is: %s',
    (address) => {
      expect(withoutPassword(address)).toBe(address);
    },
  );
});
