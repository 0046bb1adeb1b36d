import { ValueError } from '../../errors/index.ts';
import { describe } from '../../internal/describe.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { checkOptions } from '../../internal/options.ts';
import { checkWholeNumber } from '../../internal/whole-number.ts';

/** How long something is on its way: always the same, or from the first to the second of two times. */
export type Latency = Duration | readonly [least: Duration, most: Duration];

/** How a network behaves; `net.configure()` changes it. */
export interface NetworkSettings {
  /**
   * How long everything is on its way from one host to another, in seconds. In a range, `explore` tries out the shortest, the middle and the
   * longest time; otherwise the times are drawn, the same ones in each run. Default: 0.
   */
  readonly latency?: Latency | undefined;
  /** How many bytes the systems of both hosts keep for each direction of a connection, beside the writer's buffer. Default: 64 KiB. */
  readonly bufferSize?: number | undefined;
  /** How many bytes arrive at once at the most. Default: as many as were sent at once. */
  readonly maxRead?: number | undefined;
  /**
   * How many bytes of a writer's buffer are taken at once at the most; the next ones are taken when those have arrived. Default: as many as
   * there is room for.
   */
  readonly maxWrite?: number | undefined;
  /** How long servers take to accept a connection, in seconds. Default: 0. */
  readonly acceptDelay?: Duration | undefined;
}

/** The names of the settings. */
export const SETTINGS = ['latency', 'bufferSize', 'maxRead', 'maxWrite', 'acceptDelay'] as const;

/** Settings that have been checked. */
export interface Settings {
  readonly latency: readonly [least: number, most: number];
  readonly bufferSize: number;
  readonly maxRead: number;
  readonly maxWrite: number;
  readonly acceptDelay: number;
}

/** What holds where nothing else was said. */
export const DEFAULTS: Settings = {
  latency: [0, 0],
  bufferSize: 64 * 1_024,
  maxRead: Number.POSITIVE_INFINITY,
  maxWrite: Number.POSITIVE_INFINITY,
  acceptDelay: 0,
};

/**
 * Settings with others in their place.
 *
 * @param call what was called, for messages
 * @throws {TypeError} {ValueError} when one of them is not what it must be
 */
export function changed(call: string, settings: Settings, given: NetworkSettings): Settings {
  checkOptions(call, given, SETTINGS);
  const { latency, acceptDelay } = given;
  const size = (name: 'bufferSize' | 'maxRead' | 'maxWrite'): number => {
    const value = given[name];
    if (value === undefined) return settings[name];
    if (value === Number.POSITIVE_INFINITY) return value;
    checkWholeNumber(`${call}: ${name}`, value, { least: 1, of: 'bytes' });
    return value;
  };
  return {
    latency: latency === undefined ? settings.latency : range(call, latency),
    bufferSize: size('bufferSize'),
    maxRead: size('maxRead'),
    maxWrite: size('maxWrite'),
    acceptDelay: acceptDelay === undefined ? settings.acceptDelay : time(call, 'acceptDelay', acceptDelay),
  };
}

function range(call: string, latency: Latency): readonly [number, number] {
  if (!isRange(latency)) {
    const seconds = time(call, 'latency', latency);
    return [seconds, seconds];
  }
  const [least, most] = latency;
  const limits = [time(call, 'latency', least), time(call, 'latency', most)] as const;
  if (limits[0] <= limits[1]) return limits;
  throw new ValueError(`${call}: latency is [least, most], got ${describe(latency)}`);
}

function isRange(latency: Latency): latency is readonly [Duration, Duration] {
  return Array.isArray(latency);
}

function time(call: string, name: string, duration: Duration): number {
  const seconds = inSeconds(duration, name);
  if (seconds >= 0) return seconds;
  throw new ValueError(`${call}: ${name} must not be negative, got ${describe(duration)}`);
}
