import type { Dice } from './dice.ts';
import { writeForeign } from './foreign-format.ts';
import type { Judgement } from './judge.ts';
import type { Limiter } from './limiters.ts';
import { type LogFile, type Written, writeOwn } from './own-format.ts';
import type { Plan } from './plan.ts';
import { type Run, runPlan } from './run.ts';

/** A history as the program is given it. */
export interface SimulatedHistory {
  readonly seed: number;
  readonly files: readonly LogFile[];
  readonly promise: string;
  /** Options of `check`; absent for our own format. */
  readonly args?: readonly string[];
  /** What is in it. */
  readonly features: ReadonlySet<string>;
  /** Tokens that a bucket may show above its policy: what clocks that jumped ahead and failure policies gave. */
  readonly declaredTokens: number;
}

/**
 * The history that the seed stands for: of a correct limiter, or of the one that `create` makes. A clock that went back
 * where nothing shows it is assumed away, and the report says so: such a history is made again without jumps.
 */
export function simulate(
  seed: number,
  create?: (plan: Plan, dice: Dice) => Limiter,
  change: (plan: Plan) => Plan = (plan) => plan,
): SimulatedHistory {
  const calm = (plan: Plan): Plan => ({ ...plan, clock: { ...plan.clock, steps: [], failoversUs: [] } });
  const history = record(runPlan(seed, create, change));
  return history ?? (record(runPlan(seed, create, (plan) => calm(change(plan)))) as SimulatedHistory);
}

/** Undefined where it hides that the limiter's clock went back. */
function record(run: Run): SimulatedHistory | undefined {
  const { plan } = run;
  const seen = new Set<string>([...planned(plan)]);
  const common = { seed: plan.seed, promise: plan.promise, declaredTokens: declaredOf(run) };
  if (plan.form !== 'own') return { ...common, ...writeForeign(run, seen), features: seen };
  const { files, ...shown } = writeOwn(run, seen);
  return hidesStepBack(run, shown) ? undefined : { ...common, files, features: seen };
}

/** Whether the limiter's clock went back, after its first decision, out of a stretch that nothing tells; levels tell it. */
function hidesStepBack(
  { plan, clocks, attempts }: Run,
  { stretches, untilUs }: Pick<Written, 'stretches' | 'untilUs'>,
): boolean {
  if (plan.hasLevels) return false;
  const decisionsUs = attempts
    .flatMap(({ decidedUs }) => decidedUs)
    .filter((us) => us <= untilUs)
    .sort((a, b) => a - b);
  const isTold = (node: number, us: number) => stretches.has(clocks.stretchOf(node, us));
  const [firstUs = Number.POSITIVE_INFINITY] = decisionsUs;
  // No decision need come while the clock is behind: a window lasts longer for any step back.
  const hidesStep = plan.clock.steps.some(({ atUs, byUs }) => {
    const beforeUs = atUs - 0.001;
    return byUs < 0 && atUs > firstUs && atUs <= untilUs && !isTold(clocks.nodeAt(beforeUs), beforeUs);
  });
  let hiddenUs = Number.NEGATIVE_INFINITY;
  const hidesFailover = decisionsUs.some((us) => {
    const { node, atUs } = clocks.limiterUs(us);
    if (!isTold(node, us)) hiddenUs = Math.max(hiddenUs, atUs);
    return atUs < hiddenUs;
  });
  return hidesStep || hidesFailover;
}

function planned({ limiter, promise, policies, hasLevels, clock, latency, form }: Plan): string[] {
  const { kind, steps, failoversUs, granularityUs, nodes } = clock;
  const isAligned = /:(epoch|first)$/.test(promise);
  return [
    form === 'own' ? 'our own format' : 'a log of others',
    `limiter: ${limiter}`,
    `promise: ${promise.split(':')[0]}${isAligned ? promise.slice(promise.lastIndexOf(':')) : ''}`,
    `clock: ${kind}`,
    `latency: ${latency.shape}`,
    ...(policies.length > 1 ? ['several policies'] : []),
    ...(hasLevels ? ['levels'] : []),
    ...(granularityUs > 1 ? ['a clock in milliseconds'] : []),
    ...(nodes.some(({ ppm, wobblePpm }) => ppm !== 0 || wobblePpm !== 0) ? ['drift'] : []),
    ...steps.map(({ byUs }) => (byUs > 0 ? 'a step ahead' : 'a step back')),
    ...(failoversUs.length > 0 ? ['failovers'] : []),
  ];
}

function declaredOf({ plan, clocks, attempts }: Run): number {
  const perUs = Math.max(
    ...plan.policies.map(({ quantaPerUs, quantaPerToken }) => quantaPerUs / quantaPerToken),
  );
  const fallbacks = attempts.filter(({ fate, fallbackAllows }) => fate === 'fallback' && fallbackAllows);
  const most = fallbacks.reduce((sum, { parts }) => sum + Math.max(...parts.map(({ cost }) => cost)), 0);
  return most + perUs * clocks.jumpsUs();
}

/** What the judgement holds against a correct limiter, in its own words; empty for nothing. */
export function accusationsOf({ report }: Judgement, { declaredTokens }: SimulatedHistory): string[] {
  if (report?.verdict !== 'fail') return [];
  const isDeclared = (claim: string) =>
    claim.startsWith('total-excess') && report.overAdmission.largestExcess <= declaredTokens + 1e-6;
  return [
    ...report.claims.filter(({ verdict, claim }) => verdict === 'fail' && !isDeclared(claim)),
    ...report.accounts,
  ]
    .filter(({ verdict }) => verdict === 'fail')
    .map(({ reason }) => reason);
}
