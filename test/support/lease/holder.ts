import type { Demand } from '../../../src/limiter/strategies/lease/demand.ts';
import type { Holder } from '../../../src/limiter/strategies/lease/holder.ts';

/** `holder` is another at every start of a process, so that nothing that was meant for the one before is accepted. */
export function makeHolder(holder: number, lastLease = 0): Holder {
  return {
    holder,
    lease: lastLease,
    seq: 0,
    granted: 0,
    used: 0,
    returned: 0,
    expiresAtUs: 0,
    isUnanswered: false,
    want: 0,
    need: 0,
  };
}

/** What is asked of a bucket at a holder that has just met it. */
export function makeDemand(nowUs: number, windowUs: number): Demand {
  const window = Math.floor(nowUs / windowUs);
  const home = { borrowers: 1, emptyUntilUs: 0, homeTokens: 0, homeZeroAtUs: 0, answerUs: 0 };
  return { window, requested: 0, usualParts: 0, takesInRow: 0, lacking: 0, ...home };
}
