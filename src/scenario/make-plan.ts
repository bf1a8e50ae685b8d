import { DROPPED_AT_MOST, makeClaim, parseClaim } from '../checker/claim.ts';
import { headroomAtMostOf, withEvidence } from '../checker/evidence-claims.ts';
import { OpenclawError } from '../core/errors.ts';
import { pluginName } from '../core/plugin-name.ts';
import { makeRandom, type Random } from '../core/prng.ts';
import { checkTogether, type PlanNodes } from './checks.ts';
import type { UndrawnFault } from './fault-schema.ts';
import type { Plan, PlannedFault } from './plan.ts';
import { type Problem, pathText } from './problems.ts';
import { type ScenarioInput, type SchemaRules, scenarioSchema } from './schema.ts';
import { readSections, type Scenario, type ScenarioParts } from './sections.ts';
import type { MsRange } from './units.ts';

/** What a scenario is checked against: the parts of the program that it cannot know. */
export interface ScenarioRules extends SchemaRules {
  readonly planNodes: PlanNodes;
  /** Whether each region of this strategy has a Redis of its own, apart from the others'. */
  readonly isApart?: (strategy: string) => boolean;
  /** Whether this strategy waits for the replicas of a primary. */
  readonly isAcked?: (strategy: string) => boolean;
  /** Whether every take of this strategy costs one token. */
  readonly isUnitCost?: (strategy: string) => boolean;
}

/** What is said of a run beside its scenario. */
export interface PlanTitle {
  /** The scenario's name. */
  readonly scenario: string;
  /** Why anyone should care. */
  readonly about: string;
  /** Instead of the scenario's own. */
  readonly seed?: number;
}

/**
 * Makes a plan of a scenario that was written as flags, with the defaults and the checks that a file has. Throws
 * INVALID_SCENARIO with all that is wrong. `more` are faults beside those of the scenario, from
 * flags that give their times as numbers.
 */
export function makePlan(
  input: ScenarioInput,
  title: PlanTitle,
  rules: ScenarioRules,
  more: readonly PlannedFault[] = [],
): Plan {
  const drawn = drawPlan(input, title, rules, more.map(undrawn));
  if (drawn.plan === undefined) throw invalidScenario(drawn.problems.map(describe));
  return drawn.plan;
}

const describe = ({ path, text }: Problem): string =>
  path.length === 0 ? text : `${pathText(path)}: ${text}`;

/** An error that shows these lines, a screenful at most. */
export function invalidScenario(lines: readonly string[]): OpenclawError {
  const more = lines.length > MOST_SHOWN ? [`and ${lines.length - MOST_SHOWN} more`] : [];
  const all = [`${lines.length} problems`, ...lines.slice(0, MOST_SHOWN), ...more];
  return new OpenclawError('INVALID_SCENARIO', lines.length === 1 ? lines.join() : all.join('\n  '));
}

const MOST_SHOWN = 30;

/** The plan of a value that was read from a file or from flags, or all that is wrong with it. */
export function drawPlan(
  value: unknown,
  title: PlanTitle,
  rules: ScenarioRules,
  more: readonly UndrawnFault[] = [],
): DrawnPlan {
  const read = readSections(scenarioSchema(rules), value);
  const { problems } = read;
  const parts = placed(read.parts, rules);
  const scenario = read.scenario && placed(read.scenario, rules);
  const faults = [...parts.faults, ...more];
  const all = [
    ...problems,
    ...checkOneLimiter(value),
    ...checkReplicas(parts, rules),
    ...checkCosts(parts, rules),
    ...checkTogether({ ...parts, faults }, rules.planNodes),
  ];
  return scenario === undefined || all.length > 0
    ? { plan: undefined, problems: all }
    : { plan: planOf({ ...scenario, faults: [...scenario.faults, ...more] }, title), problems: all };
}

/** A strategy has a default, so only the value as it was written says that both were. */
function checkOneLimiter(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null || !('limiter' in value)) return [];
  return Object.entries(NOT_OF_A_PLUGIN).flatMap(([key, text]) =>
    key in value ? [{ path: [key === 'strategy' ? 'limiter' : key], isKey: true, text }] : [],
  );
}

const NOT_OF_A_PLUGIN = {
  strategy: 'a plug-in is instead of a strategy: leave one of them out',
  onFailure: 'what is answered on a failure is for the plug-in to say: leave it out',
};

function checkReplicas({ strategy, topology }: ScenarioParts, { isAcked }: ScenarioRules): Problem[] {
  if (strategy === undefined || topology?.replicas !== 0 || isAcked?.(strategy) !== true) return [];
  const text = `strategy ${strategy} waits for the replicas of a primary: it needs 1 or more`;
  return [{ path: ['topology', 'replicas'], text }];
}

function checkCosts({ strategy, load }: ScenarioParts, { isUnitCost }: ScenarioRules): Problem[] {
  if (strategy === undefined || isUnitCost?.(strategy) !== true) return [];
  const other = load?.costs.find((cost) => cost !== 1);
  if (other === undefined) return [];
  return [{ path: ['load', 'cost'], text: `strategy ${strategy} takes exactly one token; found ${other}` }];
}

/** The topology as the strategy has it: replicas are of a cluster. */
function placed<T extends Pick<ScenarioParts, 'strategy' | 'topology'>>(
  parts: T,
  { isApart }: ScenarioRules,
): T {
  const { strategy, topology } = parts;
  if (strategy === undefined || topology === undefined || isApart?.(strategy) !== true) return parts;
  return { ...parts, topology: { ...topology, replicas: 0, apart: true } };
}

type DrawableScenario = Omit<Scenario, 'faults'> & { readonly faults: readonly UndrawnFault[] };

type DrawnPlan =
  | { readonly plan: Plan; readonly problems: readonly Problem[] }
  | { readonly plan: undefined; readonly problems: readonly Problem[] };

function planOf(
  scenario: DrawableScenario,
  { scenario: name, about, seed = scenario.seed }: PlanTitle,
): Plan {
  const { topology, policy, limiter, onFailure, claims } = scenario;
  const strategy = limiter === undefined ? scenario.strategy : pluginName(limiter);
  const { rate, mode, connections, resting, ...load } = scenario.load;
  const ratePerSecond = rate === undefined ? {} : { ratePerSecond: rate };
  const faults = scenario.faults.map((fault, index) => drawTimes(fault, makeRandom(seed, `fault ${index}`)));
  return {
    ...{ format: 'openclaw-plan', version: 1, scenario: name, about, seed, topology, policy, strategy },
    ...(limiter !== undefined && { limiter }),
    ...(onFailure !== 'closed' && { onFailure }),
    load: { mode, connections, ...ratePerSecond, ...load, ...(resting && { resting }) },
    faults: faults.sort((a, b) => a.atMs - b.atMs),
    claims: evidenceOf(mode === 'open' ? withDropped(claims) : claims, strategy),
  };
}

/** An open load claims that it was sent at all, unless it has a claim on that. */
function withDropped(claims: readonly string[]): readonly string[] {
  if (claims.some((text) => /^\s*dropped\b/.test(text))) return claims;
  return [...claims, makeClaim({ measure: 'dropped', unit: 'share', limit: DROPPED_AT_MOST }).text];
}

/** Claims on correctness with the evidence that they take; of a limiter of others it has to be sharper. */
function evidenceOf(claims: readonly string[], strategy: string): readonly string[] {
  const parsed = claims.map(parseClaim);
  return [
    ...claims,
    ...withEvidence(parsed, headroomAtMostOf(strategy))
      .slice(parsed.length)
      .map(({ text }) => text),
  ];
}

function undrawn({ atMs, forMs, ...spec }: PlannedFault): UndrawnFault {
  return { ...spec, at: { least: atMs, most: atMs }, for: { least: forMs, most: forMs } };
}

function drawTimes({ at, for: length, ...spec }: UndrawnFault, random: Random): PlannedFault {
  return { ...spec, atMs: draw(at, random), forMs: draw(length, random) };
}

function draw({ least, most }: MsRange, random: Random): number {
  return Math.min(most, least + Math.floor(random() * (most - least + 1)));
}
