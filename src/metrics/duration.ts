/** The name of the histogram; its count is the number of takes. */
export const DURATION = 'openclaw_rl.limiter.decision.duration';

/** Seconds: from a Redis on the same network to one across an ocean that is close to a timeout. */
export const BOUNDARIES_S: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5,
];
