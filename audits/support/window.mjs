/**
 * The fixed window that is nearest to a policy: as many as the bucket holds, in the time in which it fills. Over a
 * long time both admit alike. Milliseconds.
 */
export function windowOf({ capacityTokens, refill }) {
  return { limit: capacityTokens, windowMs: (capacityTokens * refill.perUs) / refill.tokens / 1_000 };
}

/** The same for a promise: `20/4000ms`. */
export function limitText(policy) {
  const { limit, windowMs } = windowOf(policy);
  return `${limit}/${Math.round(windowMs)}ms`;
}

/** For libraries that count requests: the error says that nothing was counted. */
export function refuseCost(cost) {
  if (cost === 1) return;
  throw Object.assign(new Error(`it counts requests, each as one; found a cost of ${cost}`), {
    charge: 'none',
  });
}
