import { ValueError } from '../errors/index.ts';
import type { WriteBufferLimits } from './transports.ts';

const DEFAULT_HIGH = 64 * 1_024;

/** The buffer sizes at which its writer is paused and resumed. */
export class WaterMarks {
  high = DEFAULT_HIGH;
  low = DEFAULT_HIGH / 4;

  /** @throws {ValueError} unless `high >= low >= 0` */
  set(limits: WriteBufferLimits | number | null, lowMark?: number): void {
    const isByName = typeof limits === 'object' && limits !== null;
    const { high, low } = isByName ? limits : { high: limits ?? undefined, low: lowMark };
    const top = high ?? (low === undefined ? DEFAULT_HIGH : 4 * low);
    const bottom = low ?? Math.floor(top / 4);
    if (!(top >= bottom && bottom >= 0))
      throw new ValueError(`high (${top}) must be >= low (${bottom}) must be >= 0`, { code: 'INVALID_LIMITS' });
    this.high = top;
    this.low = bottom;
  }
}
