import { OpenclawError, quoted } from '../../src/core/errors.ts';
import { isApart, isUnitCost, STRATEGY_NAMES } from '../../src/limiter/create.ts';
import { planTopology } from '../../src/regions/topology.ts';
import type { ScenarioRules } from '../../src/scenario/make-plan.ts';

const [first = 'central', ...others] = STRATEGY_NAMES;

/** What scenarios are checked against: the real strategies and topology, and a claim by its form alone. */
export const RULES: ScenarioRules = {
  strategies: [first, ...others],
  planNodes: (topology) => planTopology(topology).nodes,
  isApart,
  isUnitCost,
  parseClaim: (text) => {
    if (/^[a-z0-9-]+(\([a-z]+\))? (<=|>=) \S+( (before|during|after)\b.*)?$/.test(text)) return;
    throw new OpenclawError('INVALID_OPTION', `a claim is like total-excess <= 0; found ${quoted(text)}`);
  },
};
