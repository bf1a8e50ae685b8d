import type { DeclaredBound, Episodes } from '../core/bound.ts';
import type { Policy } from '../core/policy.ts';

/**
 * The excess that a strategy declares it may reach for one bucket, from what happened to its shard; undefined for
 * a strategy that declares none. With b the capacity and r the refill:
 *   central  for each failover b + r * overlap, for each restart that lost state b, for each forward step of the
 *            deciding clock min(b, r * step). No window exceeds by more than the total, so both are declared alike.
 *   article  in one window r * (1 s + spread of the services' clocks), plus what central declares. Every window can
 *            gain that much anew, so the total over a run is not declared.
 */
export function boundOf(strategy: string, policy: Policy, episodes: Episodes): DeclaredBound | undefined {
  if (strategy === 'central') return centralBound(policy, episodes);
  if (strategy === 'article') return articleBound(policy, episodes);
  return undefined;
}

function centralBound(policy: Policy, episodes: Episodes): DeclaredBound {
  const terms = centralTerms(policy, episodes);
  const sum = terms.reduce((total, { tokens }) => total + tokens, 0);
  const texts = terms.map(({ text }) => text);
  return {
    totalExcess: sum,
    worstWindow: sum,
    formula:
      texts.length === 0 ? '0: one primary, no step of its clock' : `${texts.join(' + ')} = ${show(sum)}`,
  };
}

function articleBound(policy: Policy, episodes: Episodes): DeclaredBound {
  const perSecond = perSecondOf(policy);
  const spreadSeconds = episodes.serviceClockSpreadUs / 1_000_000;
  const own = {
    tokens: perSecond * (1 + spreadSeconds),
    text: `${show(perSecond)}/s * (1 s + ${show(spreadSeconds)} s between the services' clocks)`,
  };
  const terms = [own, ...centralTerms(policy, episodes)];
  const worstWindow = terms.reduce((total, { tokens }) => total + tokens, 0);
  return {
    totalExcess: null,
    worstWindow,
    formula: `one window: ${terms.map(({ text }) => text).join(' + ')} = ${show(worstWindow)}; total: not declared`,
  };
}

interface Term {
  readonly tokens: number;
  readonly text: string;
}

function centralTerms(policy: Policy, { failovers, emptyRestarts, clockStepsUs }: Episodes): Term[] {
  const { capacityTokens: capacity } = policy;
  const perSecond = perSecondOf(policy);
  return [
    ...failovers.map(({ node, overlapUs }) => ({
      tokens: capacity + (perSecond * overlapUs) / 1_000_000,
      text: `(${capacity} + ${show(perSecond)}/s * ${show(overlapUs / 1_000_000)} s overlap, takeover by ${node})`,
    })),
    ...(emptyRestarts === 0
      ? []
      : [
          {
            tokens: capacity * emptyRestarts,
            text: `${emptyRestarts} empty restart${emptyRestarts === 1 ? '' : 's'} * ${capacity}`,
          },
        ]),
    ...clockStepsUs.map((stepUs) => ({
      tokens: Math.min(capacity, (perSecond * stepUs) / 1_000_000),
      text: `min(${capacity}, ${show(perSecond)}/s * ${show(stepUs / 1_000_000)} s clock step)`,
    })),
  ];
}

function perSecondOf({ refill }: Policy): number {
  return (refill.tokens * 1_000_000) / refill.perUs;
}

function show(amount: number): string {
  return String(Math.round(amount * 1e6) / 1e6);
}
