import { Clocks } from './clocks.ts';
import { Dice } from './dice.ts';
import { createLimiter, type Decided, type Limiter } from './limiters.ts';
import { drawPlan, type Plan } from './plan.ts';
import { type Attempt, drawTraffic, type Reset } from './requests.ts';

/** What the limiter answered to one attempt: of the decision that was answered, if there was any. */
export interface Answer extends Decided {
  readonly node: number;
  /** What its server's clock showed. */
  readonly atUs: number;
  /** An answer that an earlier decision of the same name had had. */
  readonly isRepeated: boolean;
}

export interface Run {
  readonly plan: Plan;
  readonly clocks: Clocks;
  readonly attempts: readonly Attempt[];
  readonly answers: ReadonlyMap<Attempt, Answer>;
  readonly resets: readonly Reset[];
  /** When the last request was sent. */
  readonly lastUs: number;
}

/** Runs the limiter of the plan: each decision at its moment, one after the other. */
export function runPlan(
  seed: number,
  create: (plan: Plan, dice: Dice) => Limiter = createLimiter,
  change: (plan: Plan) => Plan = (plan) => plan,
): Run {
  const plan = change(drawPlan(seed));
  const { attempts, resets } = drawTraffic(new Dice(seed, 'traffic'), plan);
  const clocks = new Clocks(plan.clock, plan.originUs);
  const limiter = create(plan, new Dice(seed, 'limiter'));
  const named = new Map<string, Answer>();
  const answers = new Map<Attempt, Answer>();
  const moments: { atUs: number; attempt?: Attempt; reset?: Reset; place?: number }[] = [
    ...attempts.flatMap((attempt) => attempt.decidedUs.map((atUs, place) => ({ atUs, attempt, place }))),
    ...resets.map((reset) => ({ atUs: reset.doneUs, reset })),
  ];
  moments.sort((a, b) => a.atUs - b.atUs);
  for (const { atUs: us, attempt, reset, place } of moments) {
    const { node, atUs } = clocks.limiterUs(us);
    if (reset !== undefined) limiter.reset(reset.bucket, atUs);
    if (attempt === undefined) continue;
    const { decisionId, parts, region } = attempt;
    // A take and its refund may share an id: the one is no answer to the other.
    const name = decisionId === undefined ? undefined : `${decisionId} ${Math.sign(parts[0]?.cost ?? 0)}`;
    const known = name === undefined ? undefined : named.get(name);
    const answer =
      known === undefined
        ? { ...limiter.decide(parts, atUs, region), node, atUs, isRepeated: false }
        : { ...known, isRepeated: true };
    if (name !== undefined && answer.isAllowed) named.set(name, answer);
    if (place === attempt.answered || attempt.decidedUs.length === 1) answers.set(attempt, answer);
  }
  const lastUs = attempts.reduce((last, { invokedUs }) => Math.max(last, invokedUs), 0);
  return { plan, clocks, attempts, answers, resets, lastUs };
}
