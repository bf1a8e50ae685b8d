import type { FaultName, FaultSpec } from '../scenario/faults/index.ts';
import { bandwidth } from './bandwidth.ts';
import { command } from './command.ts';
import { dropReply } from './drop-reply.ts';
import { failover } from './failover.ts';
import { flap } from './flap.ts';
import { gatewayClock } from './gateway-clock.ts';
import { kill } from './kill.ts';
import { latency } from './latency.ts';
import { moveSlots } from './move-slots.ts';
import { nodeClock } from './node-clock.ts';
import { partition } from './partition.ts';
import { pause } from './pause.ts';
import { restart } from './restart.ts';
import { restartEmpty } from './restart-empty.ts';
import { restartService } from './restart-service.ts';
import { slowStore } from './slow-store.ts';
import { storeOutage } from './store-outage.ts';
import type { FaultContext, Inject, Undo } from './support/fault.ts';

/** Every fault by its name. */
const FAULTS: { readonly [Name in FaultName]: Inject<Extract<FaultSpec, { fault: Name }>> } = {
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
  command,
};

/** Injects a fault that was validated against the topology. */
export async function injectFault(spec: FaultSpec, context: FaultContext): Promise<Undo> {
  const inject = FAULTS[spec.fault] as Inject<FaultSpec>;
  return inject(spec, context);
}
