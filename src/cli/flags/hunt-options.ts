import { type Command, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { formatPolicies } from '../../core/policies.ts';
import { DEFAULT_STRATEGY } from '../../core/strategies.ts';
import { HUNTED_FAULTS, type HuntedFault } from '../../hunt/draw-fault.ts';
import { type Ground, groundOf } from '../../hunt/ground.ts';
import type { Aim } from '../../hunt/outcome.ts';
import { faultsOf } from '../../hunt/space.ts';
import { optionsOf } from '../../topology/topology.ts';
import type { ChosenPlugin } from '../plugins/limiter-plugin.ts';
import {
  type FailureFlags,
  type HomesFlag,
  homesOption,
  type InstancesFlag,
  instancesOption,
  type LimiterFlags,
  limiterOptions,
  ON_FAILURE,
  onFailureOption,
  parseSomeDurationMs,
  policiesOf,
  wholeNumber,
} from './options.ts';
import { type TopologyFlags, topologyOf, topologyOptions } from './topology-flags.ts';

export interface HuntFlags extends TopologyFlags, LimiterFlags, FailureFlags, InstancesFlag, HomesFlag {
  readonly for: Aim;
  readonly schedules?: number;
  /** Milliseconds. */
  readonly time?: number;
  readonly first?: true;
  readonly mostFaults?: number;
  readonly fault?: readonly HuntedFault[];
  readonly workers?: number;
  readonly keep: number;
  readonly folder?: string;
  readonly name: string;
  readonly real?: true;
  readonly confirm: boolean;
  readonly json: boolean;
}

const AIMS: readonly Aim[] = ['excess', 'availability'];
export const DEFAULT_SCHEDULES = 1_000;
export const DEFAULT_REAL_MS = 600_000;
const MOST_SCHEDULES = 10_000_000;
const MOST_FAULTS = 8;
const MOST_WORKERS = 256;
const MOST_KEPT = 100;

export function huntOptions(command: Command): Command {
  const own = command
    .addOption(
      new Option('--for <aim>', 'the most admitted beyond the bound, or the most decisions lost')
        .choices(AIMS)
        .default('excess'),
    )
    .option(
      '--schedules <count>',
      `schedules to try, with those of earlier commands (default: ${DEFAULT_SCHEDULES}; on real clusters no limit)`,
      wholeNumber(1, MOST_SCHEDULES),
    )
    .option(
      '--time <time>',
      'time for the search, with that of earlier commands (default: no limit; on real clusters 10m)',
      parseSomeDurationMs,
    )
    .option('--first', 'end the search at the first finding (always on real clusters)')
    .option('--most-faults <count>', 'faults of one schedule (default: 3)', wholeNumber(0, MOST_FAULTS))
    .addOption(new Option('--fault <kinds...>', 'only these faults (default: all)').choices(HUNTED_FAULTS))
    .option(
      '--workers <count>',
      'threads that simulate (default: one for each core)',
      wholeNumber(1, MOST_WORKERS),
    )
    .option('--keep <count>', 'schedules to keep as scenario files', wholeNumber(1, MOST_KEPT), 3)
    .option('--folder <folder>', 'folder for the results (default: reports/hunt/<strategy>-<seed>)')
    .option('--real', 'search on real clusters, not in simulation')
    .option('--no-confirm', 'do not run findings on a real cluster')
    .option('--name <name>', 'real runs: use this running cluster if its topology matches', 'hunt')
    .option('--json', 'print the result as one JSON document', false);
  return topologyOptions(limiterOptions(own))
    .addOption(onFailureOption(ON_FAILURE))
    .addOption(instancesOption())
    .addOption(homesOption());
}

/** What the hunt does not change. A plug-in declares no bound, so any excess of it is a finding. */
export function groundOfFlags(flags: HuntFlags, plugin: ChosenPlugin | undefined): Ground {
  const { onFailure = 'closed', instances = 1, homes = false } = flags;
  return {
    ...groundOf(plugin === undefined ? flags.strategy : DEFAULT_STRATEGY),
    ...(plugin && { limiter: plugin.file, above: 'nothing' as const }),
    ...{ topology: optionsOf(topologyOf(flags)), policy: formatPolicies(policiesOf(flags)) },
    ...{ onFailure, instances, homes },
  };
}

/** Throws INVALID_OPTION for a fault that the ground cannot have. */
export function checkHuntedFaults({ fault: wanted = [] }: HuntFlags, ground: Ground): void {
  const possible = faultsOf(ground);
  const other = wanted.find((name) => !possible.includes(name));
  if (other === undefined) return;
  throw invalidOption(
    `--fault ${other}: expected regions with one Redis Cluster; the regions of this hunt have none in common`,
    `leave ${other} out`,
  );
}

/** Throws INVALID_OPTION for a promise whose excess a hunt does not measure. */
export function checkHuntedPromise(plugin: ChosenPlugin | undefined): void {
  if (plugin === undefined || plugin.promise.type === 'token-bucket') return;
  throw invalidOption(
    'hunt judges token buckets only; the plug-in promises windows',
    'run it in scenarios: openclaw-rl bench --limiter <file>',
  );
}
