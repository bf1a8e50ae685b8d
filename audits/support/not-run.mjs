const SCENARIOS = [
  ...['healthy', 'three-instances', 'hot-user', 'partition'],
  ...['failover', 'store-outage', 'restart', 'clock-step'],
];

/** For a limiter that no run can start: the reason in each scenario, and a createLimiter that gives it. */
export function notRun(reason) {
  return {
    skip: Object.fromEntries(SCENARIOS.map((scenario) => [scenario, reason])),
    createLimiter: () => {
      throw new Error(reason);
    },
  };
}
