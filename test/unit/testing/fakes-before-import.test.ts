import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetModules();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a library that is loaded while timers are faked', () => {
  test('simulates time all the same', async () => {
    const { sleep, taskGroup } = await import('asyncio-ts');
    const { runVirtual } = await import('asyncio-ts/testing');
    const seen: string[] = [];
    const main = async () => {
      await taskGroup(async (group) => {
        group.createTask(async () => {
          await sleep(5);
          seen.push('five');
        });
        group.createTask(async () => {
          await sleep(3);
          seen.push('three');
        });
      });
    };
    await Promise.all([runVirtual(main), runVirtual(main)]);
    expect(seen).toEqual(['three', 'three', 'five', 'five']);
  });

  test('tells a standstill, though its clock stands still as well', async () => {
    const { runVirtual } = await import('asyncio-ts/testing');
    const stuck = runVirtual(async () => await new Promise(() => {}), { patience: 0.01 });
    await expect(stuck).rejects.toMatchObject({ name: 'DeadlockError' });
  });
});
