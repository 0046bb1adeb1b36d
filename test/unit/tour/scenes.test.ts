import { getRunningLoop } from 'asyncio-ts';
import { runVirtual } from 'asyncio-ts/testing';
import { describe, expect, test, vi } from 'vitest';
import { complaintOfScene, scenes } from '../../../examples/tour/scenes.ts';

describe.each(scenes.map((scene) => [scene.title, scene] as const))('the scene "%s"', (_title, scene) => {
  test('prints what it says, in the time that it says', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    try {
      const seconds = await runVirtual(
        async () => {
          await scene.main();
          return getRunningLoop().time();
        },
        { failOnLeaks: true, failOnUnretrieved: true },
      );
      expect(log.mock.calls.map(([line]) => line)).toEqual(scene.output);
      expect(Math.abs(seconds - scene.seconds)).toBeLessThan(0.15);
    } finally {
      log.mockRestore();
    }
  });

  test('fits a terminal of 80 columns and 24 lines', () => {
    expect(scene.code.length).toBeGreaterThan(3);
    expect(scene.code.length).toBeLessThanOrEqual(13);
    expect(Math.max(...scene.code.map((line) => line.length + 2), scene.caption.length)).toBeLessThanOrEqual(80);
    expect(`prints: ${scene.output.join(' · ')}`.length).toBeLessThanOrEqual(80);
  });
});

test('what a scene has printed otherwise is told', () => {
  const [scene] = scenes;
  expect(complaintOfScene(scene!, scene!.output)).toBe(null);
  expect(complaintOfScene(scene!, ['tea'])).toBe('✗ Side by side printed tea instead of toast, eggs, tea');
});
