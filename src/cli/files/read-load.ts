import { basename } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { formatNamed, parsePolicies } from '../../core/policies.ts';
import { printable } from '../../core/printable.ts';
import { count } from '../../core/units.ts';
import { ArrivalReader, type RecordedRequest } from '../../history/foreign/arrivals.ts';
import type { LoadPlan, Plan } from '../../scenario/plan.ts';
import type { Environment } from '../process/environment.ts';
import { readHistory } from './read-history.ts';

/** A plan whose load is that of its log, if it has one, and the requests of the log. */
export interface LoadedPlan {
  readonly plan: Plan;
  readonly recorded?: readonly RecordedRequest[];
}

/**
 * Reads the log that a plan sends again. The plan gets the users, the costs and the length of that load. Throws
 * INVALID_HISTORY for the log; INVALID_SCENARIO for a fault after its end or a cost above the capacity.
 */
export async function readLoad(plan: Plan, { interrupt, log, stdin }: Environment): Promise<LoadedPlan> {
  const source = plan.load.log;
  if (source === undefined) return { plan };
  const { file, ...fields } = source;
  const { requests, leftOut } = await readHistory([file], new ArrivalReader(fields, plan.topology.regions), {
    stdin: () => stdin,
    signal: interrupt,
    onProgress: ({ operations }) => log(`${printable(file)}: ${count(operations, 'request')}\n`),
  });
  const sent = requests.filter(({ atUs }) => atUs < 1_000 * plan.load.durationMs);
  const lastUs = sent.at(-1)?.atUs ?? 0;
  const costs = [...new Set(sent.map(({ cost }) => cost))].sort((a, b) => a - b);
  const durationMs = Math.min(plan.load.durationMs, Math.max(LEAST_MS, Math.floor(lastUs / 1_000) + 1));
  const load = {
    ...plan.load,
    ...{ users: new Set(sent.map(({ user }) => user)).size, costs, durationMs },
    log: { ...source, requests: sent.length, ...(leftOut > 0 && { leftOut }) },
  };
  check(plan, load);
  return { plan: { ...plan, load }, recorded: sent };
}

const LEAST_MS = 100;

function check({ policy, faults }: Plan, { durationMs, costs, log }: LoadPlan): void {
  const name = basename(log?.file ?? '');
  const late = faults.find(({ atMs, forMs }) => atMs + forMs > durationMs);
  if (late !== undefined)
    throw new OpenclawError(
      'INVALID_SCENARIO',
      `${late.fault} must be healed by the end of ${name}, at ${durationMs / 1_000} s; found ${(late.atMs + late.forMs) / 1_000} s`,
      { hint: 'let it begin earlier, or take a longer log' },
    );
  const highest = costs.at(-1) ?? 1;
  const small = parsePolicies(policy).find((named) => highest > named.policy.capacityTokens);
  if (small !== undefined)
    throw new OpenclawError(
      'INVALID_SCENARIO',
      `a request of ${name} costs ${highest} tokens, more than the capacity of ${formatNamed(small)}`,
      { hint: 'raise the capacity, or leave out cost' },
    );
}
