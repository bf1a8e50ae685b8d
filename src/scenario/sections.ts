import type { z } from 'zod';
import { formatPolicies } from '../core/policies.ts';
import { parsePolicy } from '../core/policy.ts';
import { faultSchema, type UndrawnFault } from './faults/index.ts';
import { MOST_ITEMS } from './fields.ts';
import { type Problem, problemsOf } from './problems.ts';
import { scenarioSchema } from './schema.ts';

/** A scenario as values, from a file or from flags. `policy` has several as `parsePolicies` reads them. */
export type Scenario = Omit<z.output<typeof scenarioSchema>, 'faults' | 'policies'> & {
  readonly faults: readonly UndrawnFault[];
};

/** The valid sections; faults keep their places, and invalid ones are undefined. Of too many faults there are none. */
export type ScenarioParts = {
  readonly [Key in Exclude<keyof Scenario, 'faults' | 'limiter' | 'sample'>]: Scenario[Key] | undefined;
} & {
  readonly faults: readonly (UndrawnFault | undefined)[];
};

export interface ReadSections {
  /** Absent if there is any problem. */
  readonly scenario?: Scenario;
  readonly parts: ScenarioParts;
  readonly problems: readonly Problem[];
}

/** Reads a scenario. If some sections are invalid, it still gives the others, so that they can be checked, too. */
export function readSections(value: unknown): ReadSections {
  const whole = scenarioSchema.safeParse(value);
  if (whole.success) {
    const { policies, policy, ...rest } = whole.data;
    const scenario = { ...rest, policy: policies === undefined ? policy : textOf(policies) };
    return { scenario, parts: scenario, problems: [] };
  }
  return { parts: salvage(value), problems: problemsOf(whole.error, value) };
}

function textOf(policies: Readonly<Record<string, string>>): string {
  return formatPolicies(
    Object.entries(policies).map(([name, policy]) => ({ name, policy: parsePolicy(policy) })),
  );
}

function salvage(value: unknown): ScenarioParts {
  const { shape } = scenarioSchema;
  const given: Partial<Record<keyof typeof shape, unknown>> =
    typeof value === 'object' && value !== null ? value : {};
  const faults = Array.isArray(given.faults) && given.faults.length <= MOST_ITEMS ? given.faults : [];
  const policies = shape.policies.safeParse(given.policies);
  return {
    seed: shape.seed.safeParse(given.seed).data,
    topology: shape.topology.safeParse(given.topology).data,
    policy:
      given.policies === undefined
        ? shape.policy.safeParse(given.policy).data
        : policies.data && textOf(policies.data),
    strategy: shape.strategy.safeParse(given.strategy).data,
    onFailure: shape.onFailure.safeParse(given.onFailure).data,
    instances: shape.instances.safeParse(given.instances).data,
    homes: shape.homes.safeParse(given.homes).data,
    load: shape.load.safeParse(given.load).data,
    claims: shape.claims.safeParse(given.claims).data,
    faults: faults.map((fault) => faultSchema.safeParse(fault).data),
  };
}
