import type { FaultName, FaultSpec } from '../../scenario/faults/index.ts';
import { bandwidthProbe } from './bandwidth.ts';
import { commandProbe } from './command.ts';
import { flapProbe, partitionProbe } from './cut.ts';
import { dropReplyProbe } from './drop-reply.ts';
import { gatewayClockProbe } from './gateway-clock.ts';
import { latencyProbe } from './latency.ts';
import { moveSlotsProbe } from './move-slots.ts';
import { failoverProbe, killProbe, nodeClockProbe, pauseProbe, restartProbe } from './node.ts';
import type { MakeProbe, Probe, ProbeContext } from './probe.ts';
import { restartServiceProbe } from './restart-service.ts';
import { slowStoreProbe, storeOutageProbe } from './store.ts';

/** The probe of every fault by its name. */
const PROBES: { readonly [Name in FaultName]: MakeProbe<Extract<FaultSpec, { fault: Name }>> } = {
  partition: partitionProbe,
  latency: latencyProbe,
  bandwidth: bandwidthProbe,
  'drop-reply': dropReplyProbe,
  flap: flapProbe,
  kill: killProbe,
  restart: restartProbe,
  'restart-empty': restartProbe,
  'restart-service': restartServiceProbe,
  pause: pauseProbe,
  failover: failoverProbe,
  'move-slots': moveSlotsProbe,
  'gateway-clock': gatewayClockProbe,
  'node-clock': nodeClockProbe,
  'store-outage': storeOutageProbe,
  'slow-store': slowStoreProbe,
  command: commandProbe,
};

/** Makes the probe of a fault, before its injection. */
export async function makeProbe(spec: FaultSpec, context: ProbeContext): Promise<Probe | undefined> {
  const make = PROBES[spec.fault] as MakeProbe<FaultSpec>;
  return make(spec, context);
}
