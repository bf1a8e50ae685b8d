import type { z } from 'zod';
import { faultSchema, type UndrawnFault } from './faults/index.ts';
import { MOST_ITEMS } from './fields.ts';
import { type Problem, problemsOf } from './problems.ts';
import { scenarioSchema } from './schema.ts';

/** A scenario as values, from a file or from flags. */
export type Scenario = Omit<z.output<typeof scenarioSchema>, 'faults'> & {
  readonly faults: readonly UndrawnFault[];
};

/** The valid sections; faults keep their places, and invalid ones are undefined. Of too many faults there are none. */
export type ScenarioParts = {
  readonly [Key in Exclude<keyof Scenario, 'faults' | 'limiter'>]: Scenario[Key] | undefined;
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
  if (whole.success) return { scenario: whole.data, parts: whole.data, problems: [] };
  return { parts: salvage(value), problems: problemsOf(whole.error, value) };
}

function salvage(value: unknown): ScenarioParts {
  const { shape } = scenarioSchema;
  const given: Partial<Record<keyof Scenario, unknown>> =
    typeof value === 'object' && value !== null ? value : {};
  const faults = Array.isArray(given.faults) && given.faults.length <= MOST_ITEMS ? given.faults : [];
  return {
    seed: shape.seed.safeParse(given.seed).data,
    topology: shape.topology.safeParse(given.topology).data,
    policy: shape.policy.safeParse(given.policy).data,
    strategy: shape.strategy.safeParse(given.strategy).data,
    onFailure: shape.onFailure.safeParse(given.onFailure).data,
    instances: shape.instances.safeParse(given.instances).data,
    load: shape.load.safeParse(given.load).data,
    claims: shape.claims.safeParse(given.claims).data,
    faults: faults.map((fault) => faultSchema.safeParse(fault).data),
  };
}
