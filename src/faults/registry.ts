import type { FaultSpec } from '../scenario/fault-spec.ts';
import { bandwidth } from './bandwidth.ts';
import { checkFault } from './check.ts';
import { dropReply } from './drop-reply.ts';
import { failover } from './failover.ts';
import type { FaultContext, Inject, Undo } from './fault.ts';
import { flap } from './flap.ts';
import { gatewayClock } from './gateway-clock.ts';
import { kill } from './kill.ts';
import { latency } from './latency.ts';
import { nodeClock } from './node-clock.ts';
import { partition } from './partition.ts';
import { pause } from './pause.ts';
import { restart } from './restart.ts';
import { restartEmpty } from './restart-empty.ts';

export type FaultName = FaultSpec['fault'];

/** Every way to break the system, by its name. */
const FAULTS: { readonly [Name in FaultName]: Inject<Extract<FaultSpec, { fault: Name }>> } = {
  partition,
  latency,
  bandwidth,
  'drop-reply': dropReply,
  flap,
  kill,
  restart,
  'restart-empty': restartEmpty,
  pause,
  failover,
  'gateway-clock': gatewayClock,
  'node-clock': nodeClock,
};

/** These are over by themselves: their undo only makes sure of it. */
const MOMENTARY: readonly FaultName[] = ['restart', 'restart-empty', 'failover'];

/** Injects a fault. Throws INVALID_OPTION, having done nothing, when it names what the topology does not have. */
export async function injectFault(spec: FaultSpec, context: FaultContext): Promise<Undo> {
  checkFault(spec, context.regions.topology);
  const inject = FAULTS[spec.fault] as Inject<FaultSpec>;
  return inject(spec, context);
}

/** Whether a fault is over by itself, so that how long it lasts is not ours to choose. */
export function isMomentary({ fault }: Pick<FaultSpec, 'fault'>): boolean {
  return MOMENTARY.includes(fault);
}
