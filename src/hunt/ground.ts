import { isStrategy, type StrategyName, traitsOf } from '../core/strategies.ts';
import { DEFAULT_POLICY } from '../scenario/defaults.ts';
import { DEFAULT_TOPOLOGY, type TopologyOptions } from '../topology/topology.ts';

/** The parts of a plan that a hunt does not change. */
export interface Ground {
  readonly strategy: StrategyName;
  /** The file of a plug-in, in place of the strategy. */
  readonly limiter?: string;
  readonly topology: TopologyOptions;
  /** As `20:5/s`. */
  readonly policy: string;
  readonly onFailure: 'closed' | 'open' | 'local-share';
  /** Rating services of each region. */
  readonly instances: number;
  readonly homes: boolean;
  /** What a finding is above: the bound that the strategy declares, or no excess at all. */
  readonly above: 'bound' | 'nothing';
}

/** The ground of a strategy with all defaults. Replica reads declare no bound, so any excess of theirs is a finding. */
export function groundOf(strategy: StrategyName): Ground {
  return {
    ...{ strategy, topology: DEFAULT_TOPOLOGY, policy: DEFAULT_POLICY, onFailure: 'closed', instances: 1 },
    ...{ homes: false, above: traitsOf(strategy).readsReplicas ? 'nothing' : 'bound' },
  };
}

/** The claim that a finding breaks, in the measure that the strategy declares. */
export function claimOf({ strategy, limiter, above }: Ground): string {
  const measure = isWindowed({ strategy, limiter }) ? 'worst-window' : 'total-excess';
  return `${measure} <= ${above === 'bound' ? 'bound' : '0'}`;
}

/** Whether the strategy declares the excess of one window, in place of the total. */
export function isWindowed({
  strategy,
  limiter,
}: {
  strategy: string;
  limiter?: string | undefined;
}): boolean {
  return limiter === undefined && isStrategy(strategy) && traitsOf(strategy).windowBound === true;
}
