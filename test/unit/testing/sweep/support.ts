import type { SweepReport } from 'asyncio-ts/testing';
import { expect } from 'vitest';

/** A sweep that runs nothing finds nothing: it must have ended so many awaits. */
export function many(report: SweepReport, least: number): void {
  expect(report.runs).toBeGreaterThanOrEqual(least);
  expect(report.leftOut).toBe(0);
}
