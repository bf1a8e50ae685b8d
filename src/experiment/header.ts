import { parsePolicies } from '../core/policies.ts';
import type { Policy } from '../core/policy.ts';
import { formatPromise } from '../core/promise.ts';
import type { Header, PolicyRecord } from '../history/records/operation.ts';
import type { PartOfRun } from './parts/part-of-run.ts';
import type { Run } from './run-context.ts';
import type { System } from './system.ts';

/** The header of a run's history. */
export function makeHeader(
  {
    plan,
    promise,
    startedAt,
    clockSlackUs,
    part,
    simulated,
  }: Pick<Run, 'plan' | 'promise' | 'startedAt' | 'clockSlackUs'> & {
    readonly part?: Pick<PartOfRun, 'header'>;
    readonly simulated?: true;
  },
  { initial, regions }: Pick<System, 'initial'> & { readonly regions?: unknown },
): Header {
  const slackUs = clockSlackUs ?? (plan.limiter === undefined ? undefined : PLUGIN_SLACK_US);
  return {
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    ...policyRecords(plan.policy),
    strategy: plan.strategy,
    ...(promise && { promise: formatPromise(promise) }),
    scenario: plan.scenario,
    seed: plan.seed,
    regions: plan.topology.regions,
    startedAt: startedAt.toISOString(),
    initial,
    refunds: 'none', // the load never refunds
    ...(regions === undefined ? { clocks: 'apart' } : {}), // the clock of an audited service is not read
    ...(slackUs !== undefined && { clockSlackUs: slackUs }),
    ...(simulated && { simulated }),
    ...(part && { part: part.header }),
  };
}

function policyRecords(text: string): Pick<Header, 'policy' | 'policies'> {
  const recordOf = ({ capacityTokens, refill }: Policy): PolicyRecord => ({
    capacity: capacityTokens,
    refill,
  });
  const named = parsePolicies(text).map(({ name, policy }) => [name, recordOf(policy)] as const);
  const [first] = named;
  return named.length === 1 && first ? { policy: first[1] } : { policies: Object.fromEntries(named) };
}

/** Only the clocks of nodes are read; a plug-in may count in milliseconds of another clock. */
const PLUGIN_SLACK_US = 1_000;
