import { availableParallelism } from 'node:os';
import { type Claim, parseClaim } from '../checker/claims/claim.ts';
import { findPhases } from '../checker/evidence/phases.ts';
import { invalidOption, OpenclawError } from '../core/errors.ts';
import { quoted } from '../core/printable.ts';
import type { FaultRecord } from '../history/records/operation.ts';
import type { ProviderName } from '../regions/choose-provider.ts';
import { noSlotsToMove, plansSlots } from '../regions/cluster/slots/return-slots.ts';
import { checkProbe } from '../scenario/checks.ts';
import { MOST_SENT_USERS } from '../scenario/defaults.ts';
import { isOfStore } from '../scenario/faults/index.ts';
import type { Plan, PlannedFault } from '../scenario/plan.ts';
import { MOST_REGIONS } from '../topology/regions.ts';
import { planTopology } from '../topology/topology.ts';

interface CheckedPlan {
  readonly plan: Plan;
  readonly provider: ProviderName;
  /** Default: true. The nodes of another system have other names. */
  readonly startsNodes?: boolean;
  /** Default: false. */
  readonly isSimulated?: boolean;
}

/**
 * Gives the claims of a plan. Throws INVALID_OPTION for more regions than a machine starts, more users than can be sent
 * and a sample unless it is simulated, for a plug-in or a fault of the store in containers, for slots that move where the
 * plan has none, for a probe of what the plan does not have and for too many load processes, and INVALID_CLAIM for a claim
 * on a phase that the plan's faults do not create.
 */
export function checkPlan({ plan, provider, startsNodes = true, isSimulated = false }: CheckedPlan): Claim[] {
  const { length: regions } = plan.topology.regions;
  if (regions > MOST_REGIONS && !isSimulated)
    throw invalidOption(
      `${regions} regions can only be simulated; at most ${MOST_REGIONS} can be started`,
      'add --simulate',
    );
  const { users } = plan.load;
  if (users > MOST_SENT_USERS && !isSimulated)
    throw invalidOption(
      `${users} users can only be simulated; at most ${MOST_SENT_USERS} can be sent`,
      'add --simulate',
    );
  if (plan.sample !== undefined && !isSimulated)
    throw invalidOption('a sample of the buckets is for simulations', 'add --simulate, or remove sample');
  if (plan.limiter !== undefined && provider === 'docker') {
    // A container has neither the plug-in's file nor the packages that it imports.
    throw invalidOption('plug-ins run in local regions only, not in containers', 'remove --provider docker');
  }
  const ofStore = plan.faults.find(isOfStore);
  if (ofStore !== undefined && (provider === 'docker' || !startsNodes)) {
    throw invalidOption(
      `${ofStore.fault} needs local regions: elsewhere services reach the nodes of their region past every Toxiproxy`,
      'use --provider local, or break Redis by a command of yours: fault: command',
    );
  }
  if (plan.faults.some(({ fault }) => fault === 'move-slots')) {
    if (!startsNodes || !plansSlots(planTopology(plan.topology))) throw noSlotsToMove();
  }
  if (startsNodes) for (const fault of plan.faults) checkProbe(fault, planTopology(plan.topology));
  loadProcessesOf(plan);
  const claims = plan.claims.map(parseClaim);
  checkPhases(claims, plan.faults);
  return claims;
}

/** How many processes send the load of a plan. Throws INVALID_OPTION for more than its regions. */
export function loadProcessesOf(
  { load, topology }: Pick<Plan, 'load' | 'topology'>,
  cores = availableParallelism(),
): number {
  const regions = topology.regions.length;
  const { processes = cores >= 2 * regions ? regions : 1 } = load;
  if (processes <= regions) return processes;
  throw invalidOption(
    `--load-processes: expected at most ${regions}, one for each region; found ${processes}`,
    'give fewer, or leave it out',
  );
}

function checkPhases(claims: readonly Claim[], faults: readonly PlannedFault[]): void {
  const records = faults.flatMap(({ fault, atMs, forMs }): FaultRecord[] => [
    { type: 'fault', fault, phase: 'inject', atUs: 1_000 * atMs },
    { type: 'fault', fault, phase: 'heal', atUs: 1_000 * (atMs + forMs) },
  ]);
  const names = new Set(findPhases(records).map(({ name }) => name));
  const unknown = claims.find(({ phase }) => phase !== undefined && !names.has(phase));
  if (unknown === undefined) return;
  throw new OpenclawError(
    'INVALID_CLAIM',
    `claim ${quoted(unknown.text)}: this run has no such phase; its phases: ${[...names].join(', ')}`,
  );
}
