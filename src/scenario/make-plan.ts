import { DROPPED_AT_MOST, makeClaim, parseClaim } from '../checker/claims/claim.ts';
import { headroomAtMostOf, sharingSides, withEvidence } from '../checker/claims/evidence-claims.ts';
import { OpenclawError } from '../core/errors.ts';
import { given } from '../core/given.ts';
import { pluginName } from '../core/plugin-name.ts';
import { parsePolicies } from '../core/policies.ts';
import { makeRandom, type Random } from '../core/prng.ts';
import { EXTERNAL, STRATEGY_NAMES, traitsOf } from '../core/strategies.ts';
import { checkTogether } from './checks.ts';
import type { UndrawnFault } from './faults/index.ts';
import { optionProblem } from './option-problem.ts';
import type { Plan, PlannedFault } from './plan.ts';
import { asksAnything } from './planned.ts';
import type { Problem } from './problems.ts';
import { checkRecorded } from './recorded-log.ts';
import { type ReadSections, readSections, type Scenario, type ScenarioParts } from './sections.ts';
import type { MsRange } from './units.ts';

/** The facts of a run that its scenario does not have. */
export interface PlanTitle {
  /** The scenario's name. */
  readonly scenario: string;
  /** A sentence that describes the scenario. */
  readonly about: string;
  /** Instead of the scenario's own. */
  readonly seed?: number;
  /** The name of the scenario's own file, which has the command of a limiter. */
  readonly file?: string;
  /** The limiter is an audited one: the plan has no strategy of openclaw-rl. */
  readonly isExternal?: boolean;
}

/** Makes a plan from flags, checked like a file. Throws INVALID_SCENARIO with all problems. */
export function makePlan(scenario: Scenario, title: PlanTitle): Plan {
  const { plan, problems } = drawPlan({ scenario, parts: scenario, problems: [] }, title);
  if (plan !== undefined) return plan;
  throw invalidScenario(
    problems.map((problem) => optionProblem(problem, scenario.faults)),
    { hint: 'see --help' },
  );
}

/** An error that shows these lines, a screenful at most. */
export function invalidScenario(lines: readonly string[], options: { hint?: string } = {}): OpenclawError {
  const more = lines.length > MOST_SHOWN ? [`and ${lines.length - MOST_SHOWN} more`] : [];
  const all = [`${lines.length} problems`, ...lines.slice(0, MOST_SHOWN), ...more];
  return new OpenclawError('INVALID_SCENARIO', lines.length === 1 ? lines.join() : all.join('\n  '), options);
}

const MOST_SHOWN = 30;

/** The plan of a value from a file, or all its problems. */
export function readPlan(value: unknown, title: PlanTitle): DrawnPlan {
  const read = readSections(value);
  const ofValue = [...checkOneLimiter(value), ...checkOnePolicy(value), ...checkRecorded(value)];
  return drawPlan({ ...read, problems: [...read.problems, ...ofValue] }, title);
}

function drawPlan(read: ReadSections, title: PlanTitle): DrawnPlan {
  const parts = placed(read.parts);
  const problems = [...read.problems, ...checkStrategy(parts), ...checkTogether(parts)];
  return read.scenario === undefined || problems.length > 0
    ? { plan: undefined, problems }
    : { plan: buildPlan(placed(read.scenario), title), problems };
}

/** Checks the value as written: `strategy` has a default, so the parsed value cannot show that both were given. */
function checkOneLimiter(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null || !('limiter' in value)) return [];
  return Object.entries(NOT_OF_A_PLUGIN).flatMap(([key, text]) =>
    key in value ? [{ path: [key === 'strategy' ? 'limiter' : key], isKey: true, text }] : [],
  );
}

/** The same of `policy` and `policies`. */
function checkOnePolicy(value: unknown): Problem[] {
  if (typeof value !== 'object' || value === null || !('policy' in value && 'policies' in value)) return [];
  const text = '`policy` and `policies` are mutually exclusive; remove one';
  return [{ path: ['policies'], isKey: true, text }];
}

const NOT_OF_A_PLUGIN = {
  strategy: '`limiter` and `strategy` are mutually exclusive; remove one',
  onFailure: '`onFailure` cannot be combined with `limiter`; remove it',
  homes: '`homes` cannot be combined with `limiter`, which chooses its keys; remove it',
};

/** What the strategy cannot do. */
function checkStrategy(parts: ScenarioParts): Problem[] {
  return [
    ...checkReplicas(parts),
    ...checkPolicies(parts),
    ...checkCosts(parts),
    ...checkReserving(parts),
    ...checkHomes(parts),
  ];
}

function checkPolicies({ strategy, policy }: ScenarioParts): Problem[] {
  const count = policy === undefined ? 1 : parsePolicies(policy).length;
  if (strategy === undefined || count === 1 || traitsOf(strategy).severalPolicies) return [];
  const able = STRATEGY_NAMES.filter((name) => traitsOf(name).severalPolicies).join(' or ');
  const text = `strategy ${strategy} supports one policy; found ${count}; give one, or use strategy ${able}`;
  return [{ path: ['policies'], isKey: true, text }];
}

function checkReplicas({ strategy, topology }: ScenarioParts): Problem[] {
  if (topology?.kind !== undefined && traitsOf(strategy).readsReplicas) {
    const text = `strategy ${strategy} reads the replicas of a Redis Cluster; it cannot run on topology ${topology.kind}`;
    return [{ path: ['topology', 'kind'], text }];
  }
  if (topology?.replicas !== 0 || !traitsOf(strategy).waitsForReplicas) return [];
  const text = `strategy ${strategy} waits for replicas; it needs at least 1, found 0`;
  return [{ path: ['topology', 'replicas'], text }];
}

function checkCosts({ strategy, load }: ScenarioParts): Problem[] {
  if (!traitsOf(strategy).unitCost) return [];
  const other = load?.costs.find((cost) => cost !== 1);
  if (other === undefined) return [];
  return [
    { path: ['load', 'cost'], text: `strategy ${strategy} allows only a cost of 1 token; found ${other}` },
  ];
}

function checkReserving({ strategy, load }: ScenarioParts): Problem[] {
  if (load?.actuals === undefined || traitsOf(strategy).reserves) return [];
  const text = `strategy ${strategy} cannot reserve tokens; remove it, or use central or acked`;
  return [{ path: ['load', 'actual'], isKey: true, text }];
}

function checkHomes({ homes, strategy, topology, load }: ScenarioParts): Problem[] {
  if (!homes) return [];
  const problem = (text: string): Problem[] => [{ path: ['homes'], isKey: true, text }];
  const able = STRATEGY_NAMES.filter((name) => traitsOf(name).homes);
  if (strategy !== undefined && !traitsOf(strategy).homes)
    return problem(`strategy ${strategy} has no homes; remove it, or use ${able.join(', ')}`);
  if (topology?.kind !== undefined)
    return problem(`topology ${topology.kind} has one primary for all regions, so no homes; remove it`);
  if (load?.log === undefined) return [];
  return problem('the users of a log have names of their own, and no homes; remove it');
}

/** The topology for the strategy: with buckets per region there is no cluster, and so no replicas. */
function placed<T extends Pick<ScenarioParts, 'strategy' | 'topology'>>(parts: T): T {
  const { strategy, topology } = parts;
  if (topology === undefined || !traitsOf(strategy).perRegionBucket) return parts;
  return { ...parts, topology: { ...topology, replicas: 0, apart: true } };
}

type DrawnPlan =
  | { readonly plan: Plan; readonly problems: readonly Problem[] }
  | { readonly plan: undefined; readonly problems: readonly Problem[] };

function buildPlan(
  scenario: Scenario,
  { scenario: name, about, seed = scenario.seed, isExternal, file }: PlanTitle,
): Plan {
  const { topology, policy, onFailure, instances, homes, sample, load, claims } = scenario;
  const limiter = typeof scenario.limiter === 'object' ? file : scenario.limiter;
  const ours = isExternal ? EXTERNAL : scenario.strategy;
  const strategy = limiter === undefined ? ours : pluginName(limiter);
  const faults = scenario.faults.map((fault, index) => drawTimes(fault, makeRandom(seed, `fault ${index}`)));
  return {
    ...{ format: 'openclaw-plan', version: 1, scenario: name, about, seed, topology, policy, strategy },
    ...(limiter !== undefined && { limiter }),
    ...(onFailure !== 'closed' && { onFailure }),
    ...(instances > 1 && { instances }),
    ...(homes && { homes }),
    ...given({ sample }),
    load,
    faults: faults.sort((a, b) => a.atMs - b.atMs),
    claims: evidenceOf(load.mode === 'open' ? withDropped(claims) : claims, {
      strategy,
      topology,
      instances,
      asks: asksAnything({ policy, load, faults }),
    }),
  };
}

/** Adds a claim on dropped requests to an open load without one. */
function withDropped(claims: readonly string[]): readonly string[] {
  if (claims.some((text) => /^\s*dropped\b/.test(text))) return claims;
  return [...claims, makeClaim({ measure: 'dropped', unit: 'share', limit: DROPPED_AT_MOST }).text];
}

/** Adds the claims on evidence that claims on correctness need; those for foreign limiters are stricter. */
function evidenceOf(
  claims: readonly string[],
  {
    strategy,
    topology,
    instances = 1,
    asks,
  }: Pick<Plan, 'strategy' | 'topology' | 'instances'> & { readonly asks: boolean },
): readonly string[] {
  const parsed = claims.map(parseClaim);
  const sides = sharingSides(strategy, instances * topology.regions.length);
  return [
    ...claims,
    ...withEvidence(parsed, { sides, asks, headroomAtMost: headroomAtMostOf(strategy) })
      .slice(parsed.length)
      .map(({ text }) => text),
  ];
}

function drawTimes({ at, for: length, ...spec }: UndrawnFault, random: Random): PlannedFault {
  return { ...spec, atMs: draw(at, random), forMs: draw(length, random) };
}

function draw({ least, most }: MsRange, random: Random): number {
  return Math.min(most, least + Math.floor(random() * (most - least + 1)));
}
