/** The name of the histogram; its count is the number of takes. */
export const DURATION = 'openclaw_rl.limiter.decision.duration';
