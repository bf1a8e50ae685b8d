import { z } from 'zod';
import { type BandwidthSpec, bandwidth } from './bandwidth.ts';
import { type CommandSpec, command } from './command.ts';
import type { DrawnTimes, FaultDefinition } from './definition.ts';
import { type DropReplySpec, dropReply } from './drop-reply.ts';
import { type FailoverSpec, failover } from './failover.ts';
import { type FlapSpec, flap } from './flap.ts';
import { type GatewayClockSpec, gatewayClock } from './gateway-clock.ts';
import { type KillSpec, kill } from './kill.ts';
import { type LatencySpec, latency } from './latency.ts';
import { type MoveSlotsSpec, moveSlots } from './move-slots.ts';
import { type NodeClockSpec, nodeClock } from './node-clock.ts';
import { type PartitionSpec, partition } from './partition.ts';
import { type PauseSpec, pause } from './pause.ts';
import { type RestartSpec, restart } from './restart.ts';
import { type RestartEmptySpec, restartEmpty } from './restart-empty.ts';
import { type RestartServiceSpec, restartService } from './restart-service.ts';
import { type SlowStoreSpec, slowStore } from './slow-store.ts';
import { type StoreOutageSpec, storeOutage } from './store-outage.ts';

/** One fault with its parameters. Regions and nodes have the names of the topology. */
export type FaultSpec =
  | PartitionSpec
  | LatencySpec
  | BandwidthSpec
  | DropReplySpec
  | FlapSpec
  | KillSpec
  | RestartSpec
  | RestartEmptySpec
  | RestartServiceSpec
  | PauseSpec
  | FailoverSpec
  | MoveSlotsSpec
  | GatewayClockSpec
  | NodeClockSpec
  | StoreOutageSpec
  | SlowStoreSpec
  | CommandSpec;

export type FaultName = FaultSpec['fault'];

/** A fault with ranges of times: injected `at` after the start of the load and healed `for` later. */
export type UndrawnFault = FaultSpec & DrawnTimes;

/** Every fault by its name, in the order of the commands. */
const FAULTS = {
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
} satisfies { readonly [Name in FaultName]: FaultDefinition<Extract<FaultSpec, { fault: Name }>> };

export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

/** The definition of this fault. */
export function definitionOf(fault: FaultName): FaultDefinition<FaultSpec> {
  return FAULTS[fault] as unknown as FaultDefinition<FaultSpec>;
}

/** Whether a fault ends by itself, so that its length cannot be chosen. */
export function isMomentary({ fault }: Pick<FaultSpec, 'fault'>): boolean {
  return definitionOf(fault).isMomentary === true;
}

/** Whether a fault is between services and Redis: only local regions have proxies there. */
export function isOfStore({ fault }: Pick<FaultSpec, 'fault'>): boolean {
  return definitionOf(fault).ofStore === true;
}

type FaultSchema = (typeof FAULTS)[FaultName]['schema'];

/** The schema of one fault in a scenario. */
export const faultSchema = z.discriminatedUnion(
  'fault',
  FAULT_NAMES.map((name) => FAULTS[name].schema) as unknown as readonly [FaultSchema, ...FaultSchema[]],
  { error: `one of ${FAULT_NAMES.join(', ')}` },
);
