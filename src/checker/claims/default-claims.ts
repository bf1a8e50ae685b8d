import type { Promised } from '../../core/promise.ts';
import { type StrategyTraits, traitsOf } from '../../core/strategies.ts';
import type { History } from '../../history/history.ts';
import type { CheckOptions } from '../check-options.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import type { Prepared } from '../prepare.ts';
import { type Claim, DROPPED_AT_MOST, makeClaim, parseClaim } from './claim.ts';
import {
  exercisedClaims,
  FAILED_AT_MOST,
  isOnCorrectness,
  sharingSides,
  sidesClaims,
  withEvidence,
} from './evidence-claims.ts';

/** A run without claims. */
export interface UnclaimedRun {
  readonly strategy: string;
  /** The promise of a plug-in or of an audited limiter. */
  readonly promise?: Promised | undefined;
  /** Whether it has several policies: then no decision has a level, and no stated value a bucket. */
  readonly hasSeveralPolicies?: boolean;
  /** Whether the run reads the time of day of the limiter's clock, and so knows when windows of the epoch begin. */
  readonly isClockRead?: boolean;
  /** The response of the services while Redis is unavailable. Default: `closed`, a 503. */
  readonly onFailure?: string | undefined;
  /** Absent: no fault. */
  readonly fault?: { readonly losesReplies?: true };
}

/** The default claims of a run: those of its strategy or promise, and the evidence that they need. */
export function defaultClaims(run: UnclaimedRun): readonly string[] {
  const { strategy, promise, isClockRead = true, onFailure = 'closed', fault, hasSeveralPolicies } = run;
  const traits = promise === undefined ? traitsOf(strategy) : {};
  const underFault = [traits.windowBound ? 'worst-window <= bound' : 'total-excess <= bound'];
  const ours = fault === undefined ? whileWhole(traits, onFailure) : underFault;
  const evidence = fault ? [`info <= ${fault.losesReplies ? 30 : 15}%`] : ['info <= 5%', 'failed <= 5%'];
  const own = hasSeveralPolicies ? ours.filter((claim) => claim !== REPLAYED) : [...ours, HONEST];
  return [
    ...(promise === undefined ? own : claimsOfPromise(promise, isClockRead)),
    ...evidence,
    contestedClaim(traits),
  ];
}

/**
 * The claims of a run with `given` ones. One on correctness is instead of the default claims. Others do not say what may
 * be admitted: they are added, each in place of the default claim on the same measure of the whole run. Throws
 * INVALID_CLAIM.
 */
export function claimsOfRun(given: readonly string[], run: UnclaimedRun): readonly string[] {
  const claims = given.map(parseClaim);
  if (claims.some(isOnCorrectness)) return given;
  const replaced = new Set(claims.filter(({ phase }) => phase === undefined).map(({ measure }) => measure));
  return [...defaultClaims(run).filter((text) => !replaced.has(parseClaim(text).measure)), ...given];
}

/** The claims on a strategy without faults. */
function whileWhole({ perRegionBucket, lends }: StrategyTraits, onFailure: string): readonly string[] {
  if (perRegionBucket) return ['worst-window <= bound']; // no decision has a level that a replay can reproduce
  if (lends) return ['total-excess <= bound']; // denials are expected while tokens are lent; a replay cannot reproduce its levels
  const excess = `total-excess <= ${onFailure === 'closed' ? '0' : 'bound'}`; // the bound includes admissions without Redis
  return [excess, 'false-denials <= 0', REPLAYED];
}

/** The claims of a promise. Denials of epoch windows are judged only if it is known where the windows lie. */
function claimsOfPromise(promise: Promised, isClockRead: boolean): readonly string[] {
  if (promise.type === 'token-bucket') return ['total-excess <= 0', 'false-denials <= 0'];
  const isPlaced = promise.type === 'fixed-window' && promise.alignment === 'epoch' && isClockRead;
  const areDenialsJudged = promise.type === 'sliding-window' || isPlaced;
  return ['windows <= 0', areDenialsJudged ? 'false-denials <= 0' : FLOOR.text];
}

/** In place of judged denials: a limiter that locks its users out admits less. */
const FLOOR = makeClaim({ measure: 'admitted', unit: 'share', limit: 0.5 });

/** Of our own strategies only: many limiters state something wrong, and what they admit is then right nevertheless. */
const HONEST = 'dishonest <= 0';

const REPLAYED = 'replay <= 0';

const CONTESTED_PERCENT = 80;

/** The share of the busiest buckets that a run must drain until they deny. */
function contestedClaim({ contestedPercent = CONTESTED_PERCENT }: StrategyTraits): string {
  return `contested >= ${contestedPercent}%`;
}

/** The claim, which wants at most this percentage if it is one on contested buckets. */
export function withContestedAtMost(claim: string, contestedPercent: number): string {
  const written = /^\s*contested\s*>=\s*(\d+(?:\.\d+)?)%\s*$/.exec(claim)?.[1];
  return Number(written) > contestedPercent ? contestedClaim({ contestedPercent }) : claim;
}

/** The claims of a scenario for a limiter with this promise: those on correctness are of the promise instead. */
export function claimsForPromise(claims: readonly string[], promise: Promised): readonly string[] {
  return [...claimsOfPromise(promise, true), ...claims.filter((text) => !isOnCorrectness(parseClaim(text)))];
}

/** Adapts a claim to a strategy: a claim on contested buckets is lowered to the share that this strategy drains. */
export function claimForStrategy(claim: unknown, strategy: string): unknown {
  const { contestedPercent } = traitsOf(strategy);
  if (contestedPercent === undefined || typeof claim !== 'string') return claim;
  return withContestedAtMost(claim, contestedPercent);
}

interface Judged extends Pick<Prepared, 'promise' | 'windows'> {
  readonly facts: Pick<CheckFacts, 'whole' | 'sides' | 'exercises'>;
  readonly history: Pick<History, 'header'>;
}

/** The claims of the options, or the default claims of their promise under an open or a closed load. */
export function chooseClaims(
  options: CheckOptions,
  { promise, windows, facts, history }: Judged,
): readonly Claim[] {
  const sides = sharingSides(history.header.strategy, facts.sides?.count ?? 0);
  const asks = (facts.exercises ?? []).length > 0;
  if (options.claims !== undefined) return withEvidence(options.claims, { ...options, sides, asks });
  const { contestedAtLeast = 0, contestedBucketsAtLeast, infoAtMost = 1, headroomAtMost } = options;
  const share = (limit: number) => ({ unit: 'share' as const, limit });
  const atLeast = (unit: 'share' | 'count', limit: number | undefined) =>
    limit === undefined || limit === 0 ? [] : [makeClaim({ measure: 'contested', unit, limit })];
  return [
    ...(promise.type === 'token-bucket'
      ? bucketClaims(options)
      : windowClaims(options, windows?.areDenialsJudged)),
    ...honestyClaims(options),
    makeClaim({ measure: 'info', ...share(infoAtMost) }),
    makeClaim({ measure: 'failed', ...share(FAILED_AT_MOST) }),
    ...(facts.whole.arrivals > 0 ? [makeClaim({ measure: 'dropped', ...share(DROPPED_AT_MOST) })] : []),
    ...atLeast('share', contestedAtLeast),
    ...atLeast('count', contestedBucketsAtLeast),
    ...(contestedBucketsAtLeast ? [...sidesClaims(sides), ...exercisedClaims(asks)] : []),
    ...(headroomAtMost === undefined || contestedBucketsAtLeast === 0
      ? []
      : [makeClaim({ measure: 'headroom', ...share(headroomAtMost), ifAny: true })]),
  ];
}

function windowClaims(options: CheckOptions, areDenialsJudged = false): Claim[] {
  const windows = makeClaim({ measure: 'windows', unit: 'count', limit: 0 });
  if (areDenialsJudged) return [windows, denialClaim(options)];
  if (options.falseDenialsAtMost === Number.POSITIVE_INFINITY) return [windows];
  return [windows, options.isOneWindowEnough === true ? { ...FLOOR, ifAny: true } : FLOOR];
}

function honestyClaims({ dishonestAtMost }: CheckOptions): Claim[] {
  if (dishonestAtMost === undefined) return [];
  return [makeClaim({ measure: 'dishonest', unit: 'count', limit: dishonestAtMost })];
}

function denialClaim({ falseDenialsAtMost = 0 }: CheckOptions): Claim {
  return makeClaim({ measure: 'false-denials', unit: 'count', limit: falseDenialsAtMost, ifAny: true });
}

function bucketClaims(options: CheckOptions): Claim[] {
  return [
    makeClaim({ measure: 'total-excess', unit: 'tokens', limit: 0 }),
    denialClaim(options),
    makeClaim({ measure: 'replay', unit: 'count', limit: 0, ifAny: true }),
  ];
}
