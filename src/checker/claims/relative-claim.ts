import { type Claim, claimText, invalidClaim, parseOutcome, parsePhase, splitClaim } from './claim.ts';

/** A claim on the speed of a run, relative to that of other runs. */
export interface RelativeClaim extends Omit<Claim, 'limit'> {
  /** At most (of a latency) or at least (of a throughput) this many times that of the others. */
  readonly factor: number;
}

/**
 * Parses a claim like `p99(allowed) <= 1.5x before`. Only speed has a factor: correctness is judged by the math, and a
 * run of which other runs are no better than it may still be wrong. Throws INVALID_CLAIM.
 */
export function parseRelativeClaim(text: string): RelativeClaim {
  const { measure, facts, outcome, limitText, phaseText } = splitClaim(text);
  const [unit] = facts.units;
  if (facts.kind !== 'performance' || unit === undefined)
    throw invalidClaim(text, `${measure} is no speed; expected p50, p99, max or throughput, or gate --claim`);
  const [, digits] = /^(\d{1,4}(?:\.\d{1,3})?)x$/.exec(limitText) ?? [];
  const factor = Number(digits ?? 0);
  const isMost = facts.operator === '<=';
  if (factor === 0 || (isMost ? factor < 1 : factor > 1))
    throw invalidClaim(
      text,
      `the limit must be a factor ${isMost ? 'of at least 1, like 1.5x' : 'of at most 1, like 0.7x'}`,
    );
  const parts = {
    measure,
    unit,
    ...parseOutcome(measure, outcome, text),
    ...parsePhase(measure, phaseText, { unit, text }),
  };
  return { text: claimText(parts, `${factor}x`), ...parts, factor };
}
