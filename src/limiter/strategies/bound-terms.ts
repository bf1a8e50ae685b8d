import type { DeclaredBound, Episodes, Fallback } from '../../core/bound.ts';
import type { Policy } from '../../core/policy.ts';

/** One summand of a declared bound: its tokens, and its formula as text. */
export interface Term {
  readonly tokens: number;
  readonly text: string;
}

/**
 * b + r * overlap for every takeover. Proof, by induction over the tenures in any order, also where a former primary goes
 * on beside its successor: each tenure decides on one bucket, whatever its first level is, at most b. Let the tenures so
 * far admit at most E beyond an ideal bucket, their last decision at L, and let the next begin at F. From F to L, the
 * overlap, it admits at most level(F) + r * overlap - level(L) tokens; count all of them as excess. After L only the new
 * tenure decides, by a level that is above the ideal one by at most level(L). So E grows by at most
 * level(F) + r * overlap <= b + r * overlap. A tenure whose state is lost in between (an empty restart) counts b for it.
 */
export function takeoverTerms(policy: Policy, { failovers }: Pick<Episodes, 'failovers'>): Term[] {
  const { capacityTokens: capacity } = policy;
  const perSecond = perSecondOf(policy);
  return failovers.map(({ node, overlapUs }) => ({
    tokens: capacity + (perSecond * overlapUs) / 1_000_000,
    text: `(${capacity} + ${show(perSecond)}/s * ${show(overlapUs / 1_000_000)} s overlap, takeover by ${node})`,
  }));
}

/** min(b, r * step) for every takeover by a node whose clock may have been ahead; `termOf` may replace the term. */
export function takeoverStepTerms(
  policy: Policy,
  { failovers }: Pick<Episodes, 'failovers'>,
  termOf: (term: Term, stepUs: number) => Term = (term) => term,
): Term[] {
  return failovers
    .filter(({ clockAheadUs = 0 }) => clockAheadUs > 0)
    .map(({ node, clockAheadUs = 0 }) =>
      termOf(stepTerm(policy, clockAheadUs, `clock lead of ${node}`), clockAheadUs),
    );
}

/** b for every restart that lost state. */
export function emptyRestartTerms(
  { capacityTokens: capacity }: Policy,
  { emptyRestarts }: Pick<Episodes, 'emptyRestarts'>,
): Term[] {
  if (emptyRestarts === 0) return [];
  const text = `${emptyRestarts} empty restart${emptyRestarts === 1 ? '' : 's'} * ${capacity}`;
  return [{ tokens: capacity * emptyRestarts, text }];
}

/** min(b, r * step) for a forward step of the deciding clock. */
export function clockStepTerm(policy: Policy, stepUs: number): Term {
  return stepTerm(policy, stepUs, 'clock step');
}

function stepTerm(policy: Policy, stepUs: number, what: string): Term {
  const perSecond = perSecondOf(policy);
  return {
    tokens: Math.min(policy.capacityTokens, (perSecond * stepUs) / 1_000_000),
    text: `min(${policy.capacityTokens}, ${show(perSecond)}/s * ${show(stepUs / 1_000_000)} s ${what})`,
  };
}

/** (b + r * length) / N for each service and period in which it decided by an Nth share. */
export function localShareTerms(
  policy: Policy,
  { fallbacks, parts }: { readonly fallbacks: readonly Fallback[]; readonly parts: number },
): Term[] {
  const { capacityTokens: capacity } = policy;
  const perSecond = perSecondOf(policy);
  return fallbacks.map(({ region, instance, fromUs, untilUs }) => {
    const seconds = (untilUs - fromUs) / 1_000_000;
    return {
      tokens: (capacity + perSecond * seconds) / parts,
      text: `(${capacity} + ${show(perSecond)}/s * ${show(seconds)} s of ${region}${instance === undefined ? '' : ` ${instance}`}) / ${parts}`,
    };
  });
}

/** A bound of one window. Every window can gain that much again, so the total is not declared. */
export function windowBound(terms: readonly Term[]): DeclaredBound {
  const worstWindow = terms.reduce((total, { tokens }) => total + tokens, 0);
  return {
    totalExcess: null,
    worstWindow,
    formula: `one window: ${terms.map(({ text }) => text).join(' + ')} = ${show(worstWindow)}; total: not declared`,
  };
}

export function perSecondOf({ refill }: Policy): number {
  return (refill.tokens * 1_000_000) / refill.perUs;
}

export function show(amount: number): string {
  return String(Math.round(amount * 1e6) / 1e6);
}

/** A bound of the total excess. No window exceeds the total, so both bounds are equal. */
export function totalBound(terms: readonly Term[], none: string) {
  const sum = terms.reduce((total, { tokens }) => total + tokens, 0);
  const texts = terms.map(({ text }) => text);
  return {
    totalExcess: sum,
    worstWindow: sum,
    formula: texts.length === 0 ? `0: ${none}` : `${texts.join(' + ')} = ${show(sum)}`,
  };
}
