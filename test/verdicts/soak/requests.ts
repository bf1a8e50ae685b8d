import type { Dice } from './dice.ts';
import type { Part } from './limiters.ts';
import type { Plan } from './plan.ts';

/** One attempt of a request. True times in microseconds since the start, with fractions. */
export interface Attempt {
  readonly parts: readonly Part[];
  readonly region: number;
  readonly invokedUs: number;
  /** When the limiter decides: never, once, or twice where a gateway sent it twice. */
  readonly decidedUs: readonly number[];
  /** Which of the decisions is answered. */
  readonly answered: number;
  /** When the answer is there, or the client gives up. */
  readonly repliedUs: number;
  /**
   * `failed`: certainly never decided; `lost`: no reply; `fallback`: the answer is of a failure policy, whatever the
   * limiter does later.
   */
  readonly fate: 'answered' | 'failed' | 'lost' | 'fallback';
  /** What the failure policy says. */
  readonly fallbackAllows: boolean;
  /** What it says of a charge by the shared bucket. */
  readonly charge?: 'none' | 'possible';
  readonly decisionId: string | undefined;
  /** Whether the history says when it could no longer take effect. */
  readonly isLastKnown: boolean;
}

export interface Reset {
  readonly bucket: string | undefined;
  readonly askedUs: number;
  readonly doneUs: number;
}

export interface Traffic {
  readonly attempts: readonly Attempt[];
  readonly resets: readonly Reset[];
}

/** Requests in bursts, pauses and rests, as the plan says. */
export function drawTraffic(dice: Dice, plan: Plan): Traffic {
  const { stepUs, restUs, requests, rates } = plan;
  const attempts: Attempt[] = [];
  const resets: Reset[] = [];
  let [nowUs, left, pace] = [dice.next() * restUs, 0, 1];
  for (let request = 0; request < requests; request++) {
    if (left-- <= 0) {
      left = dice.below(40);
      pace = dice.pick([0.02, 0.1, 1, 1.9]);
      if (dice.chance(0.2)) nowUs += restUs * dice.between(0.2, 2);
    }
    nowUs += 2 * dice.next() * stepUs * pace;
    if (dice.chance(rates.reset)) {
      const bucket = dice.chance(0.2) ? undefined : `b${dice.below(plan.buckets)}`;
      resets.push({ bucket, askedUs: nowUs, doneUs: nowUs + delay(dice, plan) });
    } else attempts.push(...drawRequest(dice, plan, { nowUs, id: `d${request}` }));
  }
  return { attempts, resets };
}

/** About three hours: longer, and what clocks may have drifted meanwhile is more than is judged exactly. */
const MOST_DELAY_US = 1e10;

function delay(dice: Dice, { latency: { us, shape } }: Plan): number {
  if (shape === 'bounded') return Math.min(MOST_DELAY_US, us * 2 * dice.next() * dice.next());
  return Math.min(MOST_DELAY_US, us * (shape === 'exponential' ? dice.exponential() : dice.heavyTailed()));
}

function drawParts(dice: Dice, plan: Plan): Part[] {
  const { policies, mostCost, rates, buckets } = plan;
  const bucket = `b${dice.below(buckets)}`;
  if (policies.length > 1 && dice.chance(rates.several))
    return policies.map((_, policy) => ({ bucket, policy, cost: 1 + dice.below(costOf(plan, policy)) }));
  const policy = dice.below(policies.length);
  const most = policies[policy]?.capacityTokens ?? 1;
  if (dice.chance(rates.refund)) return [{ bucket, policy, cost: -1 - dice.below(Math.min(most, 3)) }];
  if (dice.chance(rates.odd)) return [{ bucket, policy, cost: dice.chance(0.7) ? 0 : most + 1 }];
  return [{ bucket, policy, cost: 1 + dice.below(Math.min(mostCost, most)) }];
}

function costOf({ mostCost, policies }: Plan, policy: number): number {
  return Math.min(mostCost, policies[policy]?.capacityTokens ?? 1);
}

/** All attempts of one request; those after the first only where it has a decision id. */
function drawRequest(dice: Dice, plan: Plan, { nowUs, id }: { nowUs: number; id: string }): Attempt[] {
  const { rates } = plan;
  const parts = drawParts(dice, plan);
  const isNamed = dice.chance(rates.retry) && (parts[0]?.cost ?? 0) > 0;
  const attempts = [
    drawAttempt(dice, plan, { parts, invokedUs: nowUs, decisionId: isNamed ? id : undefined }),
  ];
  while (isNamed && attempts.length < 4) {
    const last = attempts.at(-1) as Attempt;
    if (last.fate === 'fallback' || (last.fate === 'answered' && !dice.chance(rates.repeat))) break;
    const invokedUs = last.repliedUs + delay(dice, plan);
    attempts.push(drawAttempt(dice, plan, { parts, invokedUs, decisionId: id }));
  }
  if (!isNamed || !dice.chance(rates.refund)) return attempts;
  const back = parts.map((part) => ({ ...part, cost: -part.cost }));
  const invokedUs = (attempts.at(-1) as Attempt).repliedUs + delay(dice, plan);
  return [...attempts, drawAttempt(dice, plan, { parts: back, invokedUs, decisionId: id })];
}

function drawAttempt(
  dice: Dice,
  plan: Plan,
  { parts, invokedUs, decisionId }: Pick<Attempt, 'parts' | 'invokedUs' | 'decisionId'>,
): Attempt {
  const { rates, regions } = plan;
  const isTake = (parts[0]?.cost ?? 0) >= 0;
  const firstUs = invokedUs + delay(dice, plan);
  const isDouble = isTake && decisionId === undefined && dice.chance(rates.double);
  const isFallback = isTake && !isDouble && dice.chance(rates.fallback);
  const isLost = !isFallback && dice.chance(rates.lost);
  const decidedUs = isDouble ? [firstUs, firstUs + delay(dice, plan)] : [firstUs];
  const lateUs = firstUs + (dice.chance(0.5) ? plan.restUs * dice.next() : 10 * delay(dice, plan));
  const repliedUs = (decidedUs.at(-1) as number) + delay(dice, plan);
  const attempt = {
    parts,
    region: dice.below(regions),
    invokedUs,
    decisionId,
    answered: decidedUs.length - 1,
  };
  const rest = { fallbackAllows: dice.chance(0.5), isLastKnown: dice.chance(0.6) };
  if (isFallback) {
    const late = dice.pick([[], [lateUs], [lateUs], [firstUs]]);
    const charge = dice.pick(
      late.length === 0 ? (['none', 'possible', undefined] as const) : (['possible', undefined] as const),
    );
    return {
      ...attempt,
      ...rest,
      decidedUs: late,
      repliedUs: invokedUs + 2 * delay(dice, plan),
      fate: 'fallback',
      ...(charge === undefined ? {} : { charge }),
    };
  }
  if (!isLost) return { ...attempt, ...rest, decidedUs, repliedUs, fate: 'answered' };
  if (dice.chance(0.3)) return { ...attempt, ...rest, decidedUs: [], repliedUs, fate: 'failed' };
  const late = dice.pick([[], decidedUs, decidedUs, [lateUs]]);
  return { ...attempt, ...rest, decidedUs: late, repliedUs, fate: 'lost' };
}
