/** The name of the metric; by its count, also that of the takes. */
export const DURATION = 'openclaw_rl.limiter.decision.duration';
