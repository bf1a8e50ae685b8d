import type { HuntedFault } from './draw-fault.ts';
import type { Schedule } from './schedule.ts';

/** What a fault does: it parts those who decide, takes one away, moves keys, or changes a clock. */
const EFFECTS: Readonly<Record<HuntedFault, 'parts' | 'takes' | 'moves' | 'clock'>> = {
  partition: 'parts',
  latency: 'parts',
  bandwidth: 'parts',
  'drop-reply': 'parts',
  flap: 'parts',
  'store-outage': 'parts',
  'slow-store': 'parts',
  kill: 'takes',
  restart: 'takes',
  'restart-empty': 'takes',
  'restart-service': 'takes',
  pause: 'takes',
  failover: 'moves',
  'move-slots': 'moves',
  'gateway-clock': 'clock',
  'node-clock': 'clock',
};

/** Schedules of one niche go wrong in similar ways, if they do: the shape of their loads, and what their faults do. */
export function nicheOf({ load, faults }: Schedule): string {
  const shape = load.peaks === undefined ? 'even' : load.ratePerSecond < QUIET_PER_S ? 'waves' : 'peaks';
  const effects = new Set(faults.map(({ fault }) => EFFECTS[fault as HuntedFault]));
  return [shape, ...[...effects].sort()].join();
}

/** Fewer requests a second leave buckets alone for longer than most of them rest. */
const QUIET_PER_S = 6;
