import { Dice } from '../../verdicts/soak/dice.ts';
import type { Clock } from './clocks.ts';
import { type Answer, quantaOf, ShardLimiter } from './limiter.ts';
import type { Plan } from './plan.ts';
import { drawRequests, type Request } from './traffic.ts';

/** A request and what came of it. */
export interface Outcome {
  readonly request: Request;
  readonly outcome: 'allowed' | 'denied' | 'failed' | 'info';
  readonly source?: 'redis' | 'lease' | 'local' | 'fallback';
  /** The node that it names. */
  readonly node?: number;
  /** Of the bucket in Redis. */
  readonly answer?: Answer & { readonly isRepeated?: boolean };
}

export interface Run {
  readonly plan: Plan;
  readonly outcomes: readonly Outcome[];
  /** Tokens that failure policies gave away. */
  readonly givenAway: number;
}

/** Gives a bucket more than its policy has: tokens that come from nowhere at a moment. */
export interface Planted {
  readonly bucket: number;
  readonly atUs: number;
  readonly tokens: number;
}

/** Runs the limiter of the plan on its requests. */
export function runPlan(plan: Plan, planted?: Planted): Run {
  const dice = new Dice(plan.seed, 'traffic');
  const requests = drawRequests(dice, plan);
  const quanta = quantaOf(plan);
  const clocks = plan.nodes.map(({ clock }) => clock);
  const shards = plan.shards.map((shard) => new ShardLimiter(shard, clocks, quanta));
  const shardOf = (bucket: number) => shards[bucket % shards.length] as ShardLimiter;
  const decide = plan.strategy === 'lease' ? lending(plan, shardOf) : deciding(plan, shardOf);
  let left = planted?.tokens ?? 0;
  let givenAway = 0;
  const outcomes = requests.map((request): Outcome => {
    const { bucket, cost, decidedUs, fate } = request;
    if (fate === 'failed') return { request, outcome: 'failed' };
    if (fate === 'fallback') {
      const isAllowed = dice.chance(0.5);
      if (isAllowed) givenAway += cost;
      return { request, outcome: isAllowed ? 'allowed' : 'denied', source: 'fallback' };
    }
    if (fate === 'reset') {
      shardOf(bucket).reset(bucket, decidedUs);
      return { request, outcome: 'info' };
    }
    if (fate === 'request lost') return { request, outcome: 'info' };
    if (planted?.bucket === bucket && decidedUs >= planted.atUs && left >= cost && cost > 0) {
      left -= cost;
      return { request, outcome: fate === 'reply lost' ? 'info' : 'allowed' };
    }
    const decided = decide(request);
    return { request, ...decided, ...(fate === 'reply lost' && { outcome: 'info' as const }) };
  });
  return { plan, outcomes, givenAway };
}

type Decide = (request: Request) => Omit<Outcome, 'request'>;

function deciding({ strategy }: Plan, shardOf: (bucket: number) => ShardLimiter): Decide {
  const answered = new Set<number>();
  return ({ bucket, cost, decidedUs, fate, decisionId }) => {
    const node = shardOf(bucket).nodeAt(decidedUs);
    if (fate === 'local' && answered.has(node) && shardOf(bucket).denies(bucket, cost, decidedUs))
      return { outcome: 'denied', source: 'local', node };
    if (fate !== 'reply lost') answered.add(node);
    const answer = shardOf(bucket).take(bucket, cost, decidedUs, decisionId);
    const outcome = answer.isAllowed ? 'allowed' : 'denied';
    if (strategy === 'external') return { outcome, answer };
    return { outcome, source: 'redis', node: answer.node, answer };
  };
}

/** Each part holds what it borrowed, until its own clock says that home may lend it to others. */
function lending({ parts, machines, seed }: Plan, shardOf: (bucket: number) => ShardLimiter): Decide {
  const dice = new Dice(seed, 'lending');
  const held = new Map<string, { tokens: number; untilUs: number; node: number }>();
  return ({ part, bucket, cost, decidedUs }) => {
    const clock = machines[parts[part]?.machine ?? 0]?.clock as Clock;
    const key = `${part} ${bucket}`;
    const own = held.get(key);
    const nowUs = clock.showsUs(decidedUs);
    if (own !== undefined && own.tokens >= cost && nowUs < own.untilUs) {
      own.tokens -= cost;
      return { outcome: 'allowed', source: 'lease', node: own.node };
    }
    const wanted = cost + dice.below(4);
    const { tokens, forUs, node } = shardOf(bucket).lend(bucket, { holder: part, cost, wanted }, decidedUs);
    held.set(key, { tokens: tokens - cost, untilUs: nowUs + forUs, node });
    if (tokens === 0) held.delete(key);
    return { outcome: tokens === 0 ? 'denied' : 'allowed', source: 'lease', node };
  };
}
