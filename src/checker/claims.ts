import type { Verdict } from '../core/verdict.ts';
import { type Claim, type ClaimKind, MEASURES } from './claim.ts';
import { formatLimit, formatMeasured, type LimitUnit } from './claim-limit.ts';
import type { CheckFacts } from './facts.ts';
import { measureClaim } from './measure.ts';
import type { Sample } from './sample.ts';

/** What became of one claim. */
export interface ClaimResult {
  readonly claim: string;
  readonly kind: ClaimKind;
  /** Too little evidence breaks no promise, and keeps none: `unknown`. */
  readonly status: 'holds' | 'broken' | 'unknown';
  /** What it does to the verdict. A broken performance claim leaves it as it is: it has an exit code of its own. */
  readonly verdict: Verdict;
  readonly unit: LimitUnit;
  /** In the unit of the claim; null where there was nothing to measure. */
  readonly measured: number | null;
  /** Of a bound: what was declared, null where nothing was. */
  readonly limit: number | null;
  /** What was found and, when it is broken, by how much. */
  readonly reason: string;
}

/** Holds every claim against what was found. Where there is no sample nothing is proved: `unknown`. */
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
      measured: sample.measured ?? null,
      limit: finite(claim.unit === 'bound' ? sample.bound : claim.limit),
      reason,
    };
  });
  const order = ['broken', 'unknown', 'holds'] as const;
  const [worst] = results.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  if (worst === undefined) throw new Error('a claim was measured nowhere'); // a mistake of ours
  return worst;
}

function compare(claim: Claim, sample: Sample) {
  const { measured, bound, about, whyNot, isHidden, least = measured, most = measured, doubt } = sample;
  const where = claim.phase === undefined ? '' : ` ${claim.phase}`;
  if (measured === undefined || least === undefined || most === undefined)
    return claim.ifAny === true && isHidden !== true
      ? { status: 'holds' as const, reason: about }
      : { status: 'unknown' as const, reason: `${claim.text}: ${whyNot ?? about}` };
  const limit = claim.unit === 'bound' ? bound : claim.limit;
  if (limit === undefined && most > 0)
    return {
      status: 'unknown' as const,
      reason: `${about}; ${measured > 0 ? (whyNot ?? 'no bound is declared') : doubt}`,
    };
  const { operator } = MEASURES[claim.measure];
  const beyond = (amount: number) => (operator === '<=' ? amount - (limit ?? 0) : (limit ?? 0) - amount);
  if (beyond(least) <= 0 && beyond(most) > 0)
    return { status: 'unknown' as const, reason: `${about}${where}; ${doubt}` };
  const over = beyond(measured);
  if (over <= 0) return { status: 'holds' as const, reason: `${about}${where}${limitText(claim, limit)}` };
  const off = `${amountText(claim.unit, over)} ${OFF[operator][claim.unit] ?? OFF[operator].other}`;
  return {
    status: 'broken' as const,
    reason:
      `${about}${where}; measured ${amountText(claim.unit, measured)}, ` +
      `claimed ${operator === '<=' ? 'at most' : 'at least'} ${claimedText(claim, limit ?? 0)}: ${off}`,
  };
}

const OFF: Readonly<Record<'<=' | '>=', Partial<Record<LimitUnit, string>> & { other: string }>> = {
  '<=': { time: 'too slow', other: 'too many' },
  '>=': { other: 'too few' },
};

/** Names the limit that was kept, where silence would not say it. */
function limitText({ measure, unit, limit }: Claim, bound: number | undefined): string {
  if (unit === 'bound') return bound === undefined ? '' : ` (bound ${amountText(unit, bound)})`;
  if (limit === Number.POSITIVE_INFINITY) return '; the strategy declares that it splits its tokens';
  const { operator } = MEASURES[measure];
  if (limit === 0 && operator === '<=') return '';
  return ` (${operator === '<=' ? 'at most' : 'at least'} ${claimedText({ unit }, limit)})`;
}

/** Of a claim to the last digit; what is declared may have as many as a computer likes. */
function claimedText({ unit }: Pick<Claim, 'unit'>, limit: number): string {
  if (unit === 'bound') return amountText(unit, limit);
  const noun = unit !== 'tokens' ? '' : limit === 1 ? ' token' : ' tokens';
  return `${formatLimit({ unit, limit })}${noun}`;
}

function amountText(unit: LimitUnit, amount: number): string {
  if (unit !== 'bound' && unit !== 'tokens') return formatMeasured({ unit, limit: amount });
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
