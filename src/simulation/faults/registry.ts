import type { FaultName, FaultSpec } from '../../scenario/faults/index.ts';
import type { FaultContext, MakeFault, SimulatedFault } from './fault.ts';
import { moveSlots } from './move-slots.ts';
import { bandwidth, dropReply, flap, latency, partition } from './of-links.ts';
import { failover, kill, nodeClock, pause, restart, restartEmpty } from './of-nodes.ts';
import { gatewayClock, restartService, slowStore, storeOutage } from './of-services.ts';

/** Why a fault cannot be simulated, and the way out. */
export interface NotSimulated {
  readonly why: string;
  readonly hint: string;
}

const REAL = 'run it in local regions, without --simulate';

/** Every fault by its name. */
const FAULTS: {
  readonly [Name in FaultName]: MakeFault<Extract<FaultSpec, { fault: Name }>> | NotSimulated;
} = {
  partition,
  latency,
  bandwidth,
  'drop-reply': dropReply,
  flap,
  kill,
  restart,
  'restart-empty': restartEmpty,
  'restart-service': restartService,
  pause,
  failover,
  'move-slots': moveSlots,
  'gateway-clock': gatewayClock,
  'node-clock': nodeClock,
  'store-outage': storeOutage,
  'slow-store': slowStore,
  command: { why: 'its commands act on real systems only', hint: REAL },
};

/** Undefined if a fault can be simulated. */
export function whyNotSimulated(fault: FaultName): NotSimulated | undefined {
  const made = FAULTS[fault];
  return typeof made === 'function' ? undefined : made;
}

/** Makes a fault before its injection, and reads what it is compared with. It must be one that can be simulated. */
export function makeFault(spec: FaultSpec, context: FaultContext): SimulatedFault {
  const make = FAULTS[spec.fault] as MakeFault<FaultSpec> | NotSimulated;
  if (typeof make !== 'function') throw new RangeError(`${spec.fault}: ${make.why}`);
  return make(spec, context);
}
