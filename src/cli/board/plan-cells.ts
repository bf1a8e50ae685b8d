import { defaultClaims, withContestedAtMost } from '../../checker/claims/default-claims.ts';
import type { BoardScenario } from '../../core/board-terms.ts';
import type { Promised } from '../../core/promise.ts';
import { traitsOf } from '../../core/strategies.ts';
import { evidenceClaims } from '../../report/matrix.ts';
import type { Plan } from '../../scenario/plan.ts';
import { type Instead, readScenario } from '../files/read-scenario.ts';
import { boardScenario } from '../files/scenario-names.ts';
import type { Environment } from '../process/environment.ts';
import { planOfPlugin } from '../runs/scenario-run.ts';
import type { BoardLimiter } from './board-limiter.ts';

/** A limiter in a scenario: the plan of its run, or why there is none. */
export type PlannedCell = {
  readonly limiter: BoardLimiter;
  readonly scenario: BoardScenario;
} & ({ readonly plan: Plan; readonly promise?: Promised } | { readonly reason: string });

/** Why nothing can fail over. */
const NO_REPLICA = {
  cluster: '',
  single: 'one server has no replica to take over',
  none: 'it has no server that a replica could take over from',
};

/** One server instead of the cluster, with its writes on disk, for a client that knows no cluster. */
const ONE_SERVER = { kind: 'single', persistence: 'aof' } as const;
const ONE_SERVER_WORDS = ['--topology', ONE_SERVER.kind, '--persistence', ONE_SERVER.persistence];

/** All scenarios of one limiter before the next. */
export async function planCells(
  limiters: readonly BoardLimiter[],
  { scenarios, seed }: { readonly scenarios: readonly BoardScenario[]; readonly seed: number },
  environment: Environment,
): Promise<PlannedCell[]> {
  const cells: PlannedCell[] = [];
  for (const limiter of limiters)
    for (const scenario of scenarios)
      cells.push({ limiter, scenario, ...(await planOf(limiter, { scenario, seed }, environment)) });
  return cells;
}

async function planOf(
  { row, by, skip }: BoardLimiter,
  { scenario, seed }: { readonly scenario: BoardScenario; readonly seed: number },
  environment: Environment,
): Promise<{ readonly plan: Plan; readonly promise?: Promised } | { readonly reason: string }> {
  const isAlone = row.topology !== 'cluster';
  const why =
    'lack' in by ? by.lack : (skip[scenario] ?? (scenario === 'failover' ? NO_REPLICA[row.topology] : ''));
  if (why !== '' || 'lack' in by) return { reason: why };
  const name = boardScenario(scenario);
  const instead: Instead = { seed, ...(isAlone && { topology: ONE_SERVER }) };
  try {
    if ('plugin' in by) {
      const { claims } = await readScenario(name, instead, environment);
      return await planOfPlugin(name, { plugin: by.plugin, instead, claims }, environment);
    }
    const plan = await readScenario(name, { ...instead, strategy: by.strategy }, environment);
    return { plan: { ...plan, claims: [...claimsOfOurs(plan), ...evidenceOfOurs(plan)] } };
  } catch (error) {
    return { reason: error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, ' ') : String(error) };
  }
}

const NO_FALSE_DENIAL = 'false-denials <= 0';

/** What a strategy claims besides its bound, by which the cell is judged: that it denies rightly while nothing is broken. */
function claimsOfOurs({ strategy, faults }: Plan): string[] {
  const isWhole = faults.length === 0 && defaultClaims({ strategy }).includes(NO_FALSE_DENIAL);
  return isWhole ? [NO_FALSE_DENIAL] : [];
}

/**
 * A denial proves a bucket contested if no token was left. Of a strategy that lends, most come while other regions hold
 * lent tokens; 10% to 45% of the 20 users were contested in these scenarios.
 */
const CONTESTED_OF_LENDERS_PERCENT = 15;

function evidenceOfOurs(plan: Plan): readonly string[] {
  const claims = evidenceClaims(plan);
  if (!traitsOf(plan.strategy).lends) return claims;
  return claims.map((claim) => withContestedAtMost(claim, CONTESTED_OF_LENDERS_PERCENT));
}

/** The words of the command `run` that makes the run of a cell again, without its seed. */
export function commandOf({ limiter, scenario }: PlannedCell): string[] {
  const { row, words } = limiter;
  return ['run', boardScenario(scenario), ...words, ...(row.topology === 'cluster' ? [] : ONE_SERVER_WORDS)];
}
