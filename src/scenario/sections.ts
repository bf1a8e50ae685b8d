import type { z } from 'zod';
import { faultSchema, type UndrawnFault } from './fault-schema.ts';
import { type Problem, problemsOf } from './problems.ts';
import type { ScenarioSchema } from './schema.ts';

export type Scenario = z.output<ScenarioSchema>;

/** The sections that could be read; of the faults each that could, in its place. */
export type ScenarioParts = {
  readonly [Key in Exclude<keyof Scenario, 'faults' | 'limiter'>]: Scenario[Key] | undefined;
} & {
  readonly faults: readonly (UndrawnFault | undefined)[];
};

export interface ReadSections {
  /** Absent if anything is wrong. */
  readonly scenario?: Scenario;
  readonly parts: ScenarioParts;
  readonly problems: readonly Problem[];
}

/** Reads a scenario. Where parts of it are wrong the others are still given, so that they can be checked too. */
export function readSections(schema: ScenarioSchema, value: unknown): ReadSections {
  const whole = schema.safeParse(value);
  if (whole.success) return { scenario: whole.data, parts: whole.data, problems: [] };
  return { parts: salvage(schema, value), problems: problemsOf(whole.error, value) };
}

function salvage({ shape }: ScenarioSchema, value: unknown): ScenarioParts {
  const given: Partial<Record<keyof Scenario, unknown>> =
    typeof value === 'object' && value !== null ? value : {};
  const faults = Array.isArray(given.faults) ? given.faults : [];
  return {
    seed: shape.seed.safeParse(given.seed).data,
    topology: shape.topology.safeParse(given.topology).data,
    policy: shape.policy.safeParse(given.policy).data,
    strategy: shape.strategy.safeParse(given.strategy).data,
    onFailure: shape.onFailure.safeParse(given.onFailure).data,
    load: shape.load.safeParse(given.load).data,
    claims: shape.claims.safeParse(given.claims).data,
    faults: faults.map((fault) => faultSchema.safeParse(fault).data),
  };
}
