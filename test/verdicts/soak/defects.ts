import { type Bucket, fullBucket, refill, take } from '../../../src/core/bucket.ts';
import { makePolicy, type Policy } from '../../../src/core/policy.ts';
import type { Dice } from './dice.ts';
import type { Decided, Limiter, Part } from './limiters.ts';
import type { Plan } from './plan.ts';

/** A token bucket with one defect. */
export interface Defect {
  readonly name: string;
  readonly create: (plan: Plan, dice: Dice) => Limiter;
}

interface Asked {
  readonly part: Part;
  readonly policy: Policy;
  readonly nowUs: number;
  readonly region: number;
}

/** One state for each key; `step` says what a take makes of it. */
class Stepped implements Limiter {
  readonly #policies: readonly Policy[];
  readonly #states = new Map<string, Bucket>();
  readonly #step: (
    state: Bucket,
    request: Asked,
  ) => { bucket: Bucket; isAllowed: boolean; levelQuanta: number };
  readonly #keyOf: (request: Asked) => string;

  constructor(
    { policies }: Plan,
    step: (state: Bucket, request: Asked) => { bucket: Bucket; isAllowed: boolean; levelQuanta: number },
    keyOf: (request: Asked) => string = ({ part }) => part.bucket,
  ) {
    this.#policies = policies;
    this.#step = step;
    this.#keyOf = keyOf;
  }

  decide([part]: readonly Part[], nowUs: number, region: number): Decided {
    const request = { part: part as Part, policy: this.#policies[0] as Policy, nowUs, region };
    const key = this.#keyOf(request);
    const state = this.#states.get(key) ?? fullBucket(request.policy, nowUs);
    const { bucket, isAllowed, levelQuanta } = this.#step(state, request);
    this.#states.set(key, bucket);
    return { isAllowed, level: { levelQuanta, bucketUs: Math.max(nowUs, bucket.updatedAtUs) } };
  }

  reset(): void {
    this.#states.clear();
  }
}

function taken(state: Bucket, { part, policy, nowUs }: Asked) {
  const { bucket, result } = take(state, policy, { costTokens: part.cost, nowUs });
  return { bucket, isAllowed: result.allowed, levelQuanta: result.levelQuanta };
}

const tokenUsOf = ({ quantaPerToken, quantaPerUs }: Policy) => quantaPerToken / quantaPerUs;

const fasterRefill = (policy: Policy, times: number) =>
  makePolicy(policy.capacityTokens, { tokens: policy.refill.tokens * times, perUs: policy.refill.perUs });

/** Reads, thinks for a quarter of a token, and writes what it made of what it had read. */
class ReadThenWrite implements Limiter {
  readonly #policy: Policy;
  readonly #states = new Map<string, { bucket: Bucket; pending: { atUs: number; bucket: Bucket }[] }>();

  constructor({ policies }: Plan) {
    [this.#policy] = policies as [Policy];
  }

  decide([part]: readonly Part[], nowUs: number): Decided {
    const { bucket, cost } = part as Part;
    const state = this.#states.get(bucket) ?? { bucket: fullBucket(this.#policy, nowUs), pending: [] };
    this.#states.set(bucket, state);
    while (state.pending[0] !== undefined && state.pending[0].atUs <= nowUs)
      state.bucket = state.pending.shift()?.bucket ?? state.bucket;
    const { bucket: next, result } = take(state.bucket, this.#policy, { costTokens: cost, nowUs });
    if (result.allowed) state.pending.push({ atUs: nowUs + tokenUsOf(this.#policy) / 4, bucket: next });
    return { isAllowed: result.allowed };
  }

  reset(): void {
    this.#states.clear();
  }
}

/** Remembers a denial for three times as long as the cost takes to refill. */
function denyingTooLong(plan: Plan): Limiter {
  const until = new Map<string, number>();
  return new Stepped(plan, (state, request) => {
    const { part, policy, nowUs } = request;
    if (nowUs < (until.get(part.bucket) ?? 0))
      return { bucket: state, isAllowed: false, levelQuanta: refill(state, policy, nowUs).levelQuanta };
    const result = taken(state, request);
    if (!result.isAllowed) until.set(part.bucket, nowUs + 3 * part.cost * tokenUsOf(policy));
    return result;
  });
}

/** The nine. */
export const DEFECTS: readonly Defect[] = [
  {
    name: 'refills twice as fast',
    create: (plan) =>
      new Stepped(plan, (state, request) =>
        taken(state, { ...request, policy: fasterRefill(request.policy, 2) }),
      ),
  },
  {
    name: 'loses every thirtieth write',
    create: (plan, dice) =>
      new Stepped(plan, (state, request) => {
        const result = taken(state, request);
        return dice.chance(1 / 30) ? { ...result, bucket: state } : result;
      }),
  },
  {
    name: 'refills once more on a denial',
    create: (plan) =>
      new Stepped(plan, (state, request) => {
        const result = taken(state, request);
        if (result.isAllowed) return result;
        return { ...result, bucket: { levelQuanta: result.levelQuanta, updatedAtUs: state.updatedAtUs } };
      }),
  },
  {
    name: 'holds one token more',
    create: (plan) =>
      new Stepped(plan, (state, request) => {
        const policy = makePolicy(request.policy.capacityTokens + 1, request.policy.refill);
        const isNew = state.levelQuanta === request.policy.capacityQuanta;
        return taken(isNew ? fullBucket(policy, request.nowUs) : state, { ...request, policy });
      }),
  },
  {
    name: 'forgets a key after a rest of a quarter of the time to full',
    create: (plan) =>
      new Stepped(plan, (state, request) => {
        const { capacityQuanta, quantaPerUs } = request.policy;
        const isGone = request.nowUs - state.updatedAtUs > capacityQuanta / quantaPerUs / 4;
        return taken(isGone ? fullBucket(request.policy, request.nowUs) : state, request);
      }),
  },
  {
    name: 'counts in whole seconds, or in two tokens where those come faster',
    create: (plan) =>
      new Stepped(plan, (state, request) => {
        const unitUs = Math.ceil(Math.min(1_000_000, 2 * tokenUsOf(request.policy)));
        return taken(state, { ...request, nowUs: Math.floor(request.nowUs / unitUs) * unitUs });
      }),
  },
  {
    name: 'shares nothing between regions',
    create: (plan) => new Stepped(plan, taken, ({ part, region }) => `${part.bucket} of ${region}`),
  },
  { name: 'denies long after it could admit', create: denyingTooLong },
  { name: 'reads, and writes later', create: (plan) => new ReadThenWrite(plan) },
];

/** Histories in which a defect can show: one policy, no refunds, enough demand, two regions. */
export function contestedPlan(plan: Plan): Plan {
  const [policy] = plan.policies as [Policy];
  const isBucket = plan.limiter === 'bucket';
  const bucket = isBucket && plan.policies.length === 1 ? policy : makePolicy(policy.capacityTokens, '5/s');
  const restUs = bucket.capacityQuanta / bucket.quantaPerUs;
  const stepUs = tokenUsOf(bucket) / 2 / plan.buckets;
  const factor = stepUs / plan.stepUs;
  return {
    ...plan,
    limiter: 'bucket',
    promise: 'token-bucket',
    policies: [bucket],
    restUs,
    stepUs,
    requests: 40 + (plan.requests % 160),
    regions: 2,
    mostCost: Math.min(plan.mostCost, bucket.capacityTokens),
    latency: { ...plan.latency, us: Math.ceil(plan.latency.us * factor) },
    rates: {
      ...plan.rates,
      refund: 0,
      reset: 0,
      several: 0,
      odd: 0,
      double: 0,
      fallback: 0,
      retry: 0,
      repeat: 0,
    },
    clock: { ...plan.clock, steps: [], failoversUs: [] },
  };
}
