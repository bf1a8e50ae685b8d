import type { Verdict } from '../../core/verdict.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import type { Claim } from './claim.ts';
import { formatLimit, formatMeasured, type LimitUnit } from './claim-limit.ts';
import { type ClaimKind, MEASURES, type MeasureFacts } from './claim-list.ts';
import { measureClaim } from './measure-claim.ts';
import type { Sample } from './sample.ts';

/** The result of one claim. */
export interface ClaimResult {
  readonly claim: string;
  readonly kind: ClaimKind;
  /** `unknown`: too little evidence either way. */
  readonly status: 'holds' | 'broken' | 'unknown';
  /** Its part in the verdict. A broken performance claim does not change the verdict; it has its own exit code. */
  readonly verdict: Verdict;
  readonly unit: LimitUnit;
  /** In the unit of the claim; null if there was nothing to measure. */
  readonly measured: number | null;
  /** For a claim on a bound: the declared bound, null if none was declared. */
  readonly limit: number | null;
  /** The finding. If the claim is broken: also by how much. */
  readonly reason: string;
}

/** Compares every claim with the facts. A claim without a sample is `unknown`. */
export function evaluateClaims(claims: readonly Claim[], facts: CheckFacts): ClaimResult[] {
  return claims.map((claim) => evaluateClaim(claim, facts));
}

function evaluateClaim(claim: Claim, facts: CheckFacts): ClaimResult {
  const { kind } = MEASURES[claim.measure];
  const results = measureClaim(claim, facts).map((sample): ClaimResult => {
    const { status: found, reason } = compare(claim, sample);
    const status = kind === 'evidence' && found === 'broken' ? 'unknown' : found;
    return {
      claim: claim.text,
      kind,
      status,
      verdict: verdictOf(kind, status),
      unit: claim.unit,
      measured: finite(sample.measured),
      limit: finite(claim.unit === 'bound' ? sample.bound : claim.limit),
      reason,
    };
  });
  const order = ['broken', 'unknown', 'holds'] as const;
  const [worst] = results.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  if (worst === undefined) throw new Error('a claim was measured nowhere'); // a bug, not an error of the user
  return worst;
}

function compare(claim: Claim, sample: Sample) {
  const {
    measured,
    bound,
    about,
    reason,
    isHidden,
    wayOut,
    least = measured,
    most = measured,
    doubt,
  } = sample;
  const where = claim.phase === undefined ? '' : ` ${claim.phase}`;
  if (measured === undefined || least === undefined || most === undefined)
    return claim.ifAny === true && isHidden !== true
      ? { status: 'holds' as const, reason: about }
      : { status: 'unknown' as const, reason: `${claim.text}: ${reason ?? about}` };
  const limit = claim.unit === 'bound' ? bound : claim.limit;
  if (limit === undefined && most > 0)
    return {
      status: 'unknown' as const,
      reason: `${about}; ${measured > 0 ? (reason ?? 'no bound is declared') : doubt}`,
    };
  const { operator, noun }: MeasureFacts = MEASURES[claim.measure];
  const beyond = (amount: number) => (operator === '<=' ? amount - (limit ?? 0) : (limit ?? 0) - amount);
  const [best, worst] = operator === '<=' ? [least, most] : [most, least];
  if (beyond(best) <= 0 && beyond(worst) > 0)
    return { status: 'unknown' as const, reason: `${about}${where}; ${doubt}` };
  const over = beyond(measured);
  if (over <= 0) return { status: 'holds' as const, reason: `${about}${where}${limitText(claim, limit)}` };
  if (!Number.isFinite(measured))
    return {
      status: 'broken' as const,
      reason: `${about}${where}, claimed at most ${claimedText(claim, limit ?? 0)}`,
    };
  const named = (amount: number, beside: number | undefined) => {
    const text = amountText(claim.unit, amount, beside);
    return noun === undefined ? text : `${text} ${noun}${text === '1' ? '' : 's'}`;
  };
  const off = `${named(over, 0)} ${OFF[operator][claim.unit] ?? OFF[operator].other}`;
  return {
    status: 'broken' as const,
    reason:
      `${about}${where}; measured ${named(measured, limit)}, ` +
      `claimed ${operator === '<=' ? 'at most' : 'at least'} ${claimedText(claim, limit ?? 0)}: ${off}${wayOut === undefined ? '' : `; ${wayOut}`}`,
  };
}

const OFF: Readonly<Record<'<=' | '>=', Partial<Record<LimitUnit, string>> & { other: string }>> = {
  '<=': { time: 'too slow', other: 'too many' },
  '>=': { other: 'too few' },
};

/** The limit of a claim that holds, unless it is 0. */
function limitText({ measure, unit, limit }: Claim, bound: number | undefined): string {
  if (unit === 'bound') return bound === undefined ? '' : ` (bound ${amountText(unit, bound)})`;
  if (limit === Number.POSITIVE_INFINITY)
    return '; the strategy declares no limit, because it splits its tokens';
  const { operator } = MEASURES[measure];
  if (limit === 0 && operator === '<=') return '';
  return ` (${operator === '<=' ? 'at most' : 'at least'} ${claimedText({ unit }, limit)})`;
}

/** A claimed limit is exact; a declared bound is rounded. */
function claimedText({ unit }: Pick<Claim, 'unit'>, limit: number): string {
  if (unit === 'bound') return amountText(unit, limit);
  const noun = unit !== 'tokens' ? '' : limit === 1 ? ' token' : ' tokens';
  return `${formatLimit({ unit, limit })}${noun}`;
}

/** `beside`: the limit that the amount is compared with. */
function amountText(unit: LimitUnit, amount: number, beside?: number): string {
  if (unit !== 'bound' && unit !== 'tokens') return formatMeasured({ unit, limit: amount }, beside);
  const rounded = Math.round(amount * 1_000) / 1_000;
  return `${rounded === 0 && amount > 0 ? amount.toExponential(1) : rounded} ${rounded === 1 ? 'token' : 'tokens'}`;
}

function verdictOf(kind: ClaimKind, status: ClaimResult['status']): Verdict {
  if (status === 'unknown') return 'unknown';
  return status === 'broken' && kind === 'correctness' ? 'fail' : 'pass';
}

function finite(amount: number | undefined): number | null {
  return amount === undefined || !Number.isFinite(amount) ? null : amount;
}
