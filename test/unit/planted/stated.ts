import type { Policy } from '../../../src/core/policy.ts';
import type { Stated } from '../../../src/history/records/operation.ts';
import { type Answer, EPOCH_US, type Limiter, type Request, type Specimen, type World } from './limiter.ts';

/** What a limiter knows when it answers. */
export interface Known {
  readonly world: World;
  readonly request: Request;
  readonly outcome: Answer['outcome'];
  /** The level after the decision. */
  readonly levelQuanta: number;
}

/** A specimen that also states what `state` says; each run has its own, so it may remember. */
export function stating(specimen: Specimen, makeState: (world: World) => (known: Known) => Stated): Specimen {
  return {
    ...specimen,
    create(world): Limiter {
      const limiter = specimen.create(world);
      const state = makeState(world);
      return {
        decide(request) {
          const answer = limiter.decide(request);
          const levelQuanta = answer.knownQuanta ?? answer.evidence?.levelQuanta;
          if (levelQuanta === undefined) return answer; // a remembered answer
          return { ...answer, stated: state({ world, request, outcome: answer.outcome, levelQuanta }) };
        },
      };
    },
  };
}

type Rounding = (value: number) => number;

/** Seconds until a level has grown to `tokens`. */
export function waitS({ world, levelQuanta }: Known, tokens: number): number {
  const { quantaPerToken, quantaPerUs } = world.policy;
  return Math.max(0, tokens * quantaPerToken - levelQuanta) / quantaPerUs / 1_000_000;
}

/** What an honest limiter states, with levels rounded up or down, and all forms of a policy and of a reset. */
export function honestly(known: Known, round: Rounding = Math.floor, form = 0): Stated {
  const { world, request, outcome, levelQuanta } = known;
  const { policy } = world;
  return {
    remaining: round(levelQuanta / policy.quantaPerToken),
    ...(outcome === 'denied' && { retryAfterS: Math.ceil(waitS(known, request.costTokens)) }),
    ...resetOf(known, form),
    ...policyOf(policy, form),
  };
}

function resetOf(known: Known, form: number): Stated {
  const fullS = waitS(known, known.world.policy.capacityTokens);
  const { nowUs, costTokens } = known.request;
  switch (form % 4) {
    case 0:
      return { reset: Math.ceil(fullS), resetForm: 'delta' };
    case 1:
      return { reset: Math.ceil(waitS(known, costTokens)), resetForm: 'delta' };
    case 2:
      return { reset: Math.ceil(fullS + (EPOCH_US + nowUs) / 1_000_000), resetForm: 'any' };
    default:
      return { reset: Math.ceil(fullS), resetForm: 'any' };
  }
}

function policyOf(policy: Policy, form: number): Stated {
  const perSecond = (policy.quantaPerUs / policy.quantaPerToken) * 1_000_000;
  switch (form % 3) {
    case 0:
      return { limit: policy.capacityTokens, windowS: Math.ceil(policy.capacityTokens / perSecond) };
    case 1:
      return { limit: policy.capacityTokens };
    default:
      return { limit: Math.round(perSecond * 60), windowS: 60 };
  }
}
