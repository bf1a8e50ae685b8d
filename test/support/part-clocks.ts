import type { ClockReading } from '../../src/history/records/operation.ts';
import type { OperationPart } from './history.ts';

export const S = 1_000_000;
const EPOCH_US = 1_795_000_000_000_000;
/** A clock by true time: its offset and its drift in ppm. */
export interface Clock {
  readonly name: string;
  readonly aheadUs: number;
  readonly ppm: number;
}

/** What a clock shows at a true time. */
export const clockAt = ({ aheadUs, ppm }: Clock, us: number) => us + aheadUs + (us * ppm) / 1e6;

/** The clock endpoint. */
export const BASE: Clock = { name: 'base', aheadUs: 5e9, ppm: 20 };
/** The Redis node that decides. */
export const NODE: Clock = { name: 'n', aheadUs: EPOCH_US, ppm: 30 };
/** The machines of two parts. */
export const MACHINES: readonly Clock[] = [
  { name: 'machine-a', aheadUs: 7e11, ppm: -200 },
  { name: 'machine-b', aheadUs: 3e7, ppm: 250 },
];

/** Readings of `other` four times a second, `thereUs` on the way there and `backUs` back. */
export function readings(own: Clock, other: Clock, wayUs: { there: number; back: number }): ClockReading[] {
  return Array.from({ length: 64 }, (_, quarter) => {
    const us = (quarter - 8) * 250_000;
    const [fromUs, untilUs] = [
      Math.floor(clockAt(own, us - wayUs.there)),
      Math.ceil(clockAt(own, us + wayUs.back)),
    ];
    return {
      ...{ type: 'clock', node: other.name, atUs: (fromUs + untilUs) / 2, errorUs: (untilUs - fromUs) / 2 },
      serverUs: Math.floor(clockAt(other, us)),
      ...(other !== NODE && { source: 'machine' as const }),
    };
  });
}

/** A take that the node decides at a true time. */
export function take(own: Clock, us: number, part: OperationPart = {}, levelQuanta = 0): OperationPart {
  const atUs = Math.floor(clockAt(NODE, us));
  return {
    invokedUs: Math.floor(clockAt(own, us - 30_000)),
    completedUs: Math.ceil(clockAt(own, us + 10_000)),
    decision: { strategy: 'central', source: 'redis', node: 'n', atUs, bucketUs: atUs, levelQuanta },
    ...part,
  };
}
