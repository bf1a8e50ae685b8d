import type { Dice } from '../../verdicts/soak/dice.ts';
import { PAUSES, type Plan } from './plan.ts';

/** A request as it is sent: of which part, and when by true time. */
export interface Request {
  /** The place of its part in the plan. */
  readonly part: number;
  readonly bucket: number;
  readonly cost: number;
  readonly sentUs: number;
  readonly decidedUs: number;
  readonly repliedUs: number;
  readonly fate: 'answered' | 'request lost' | 'reply lost' | 'failed' | 'fallback' | 'local' | 'reset';
  readonly decisionId?: string;
}

/** Bursts and pauses over all parts, in the order in which they are decided. */
export function drawRequests(dice: Dice, plan: Plan): Request[] {
  const { requests, stepUs, pauseUs, parts, latencyUs, rates } = plan;
  const burst = Math.ceil(requests / (PAUSES + 1));
  const all: Request[] = [];
  let us = plan.fromUs;
  for (let at = 0; at < requests; at++) {
    const pace = Math.floor(at / 12) % 2 === 0 ? 0.3 : 1.7;
    us += 2 * dice.next() * pace * stepUs + (at > 0 && at % burst === 0 ? pauseUs : 0);
    const request = {
      part: dice.below(parts.length),
      bucket: dice.below(plan.buckets),
      cost: dice.chance(rates.refund) ? -1 : 1 + dice.below(plan.mostCost),
    };
    const first = { ...request, ...drawTimes(dice, us, latencyUs), fate: drawFate(dice, rates) };
    if (request.cost < 0 || !dice.chance(rates.retry)) {
      all.push(
        request.cost < 0 && (first.fate === 'local' || first.fate === 'fallback')
          ? { ...first, fate: 'answered' }
          : first,
      );
      continue;
    }
    const decisionId = String(at);
    const isLost = dice.chance(0.4);
    const again = drawTimes(dice, first.repliedUs + latencyUs * dice.next(), latencyUs);
    all.push({ ...first, decisionId, fate: isLost ? dice.pick(['request lost', 'reply lost']) : 'answered' });
    if (isLost) all.push({ ...request, ...again, decisionId, fate: 'answered' });
  }
  return all.sort((a, b) => a.decidedUs - b.decidedUs);
}

function drawTimes(dice: Dice, sentUs: number, latencyUs: number) {
  const way = () => 1 + latencyUs * dice.pick([0.1, 1]) * dice.next() * (dice.chance(0.03) ? 20 : 1);
  const decidedUs = sentUs + way();
  return { sentUs, decidedUs, repliedUs: decidedUs + way() };
}

function drawFate(dice: Dice, { lost, failed, fallback, local, reset }: Plan['rates']): Request['fate'] {
  const drawn = dice.next();
  if (drawn < lost) return dice.chance(0.5) ? 'request lost' : 'reply lost';
  if (drawn < lost + failed) return 'failed';
  if (drawn < lost + failed + fallback) return 'fallback';
  if (drawn < lost + failed + fallback + reset) return 'reset';
  return dice.chance(local) ? 'local' : 'answered';
}
