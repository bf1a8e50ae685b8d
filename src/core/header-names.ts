/** Every header that services, gateways, middlewares and the load send or read, spelt as it is sent. */
export const HEADERS = {
  user: 'x-openclaw-user',
  cost: 'x-openclaw-cost',
  /** What a request really costs; its cost is then what it reserves. */
  actual: 'x-openclaw-actual',
  /** Of a request that reserved: `done`, or the charge of the error of its settlement; `later` if that follows the reply. */
  settled: 'openclaw-settled',
  /** The id of a request that a gateway may send to several services. A user's own id is not forwarded. */
  decisionId: 'x-openclaw-decision-id',
  decision: 'openclaw-decision',
  /** What a plug-in stated, as JSON; headers round it. */
  stated: 'openclaw-stated',
  /** The Rating service that a gateway sent a request to, by its place among several; from 1. */
  instance: 'openclaw-instance',
  shadow: 'openclaw-shadow',
  policies: 'RateLimit-Policy',
  levels: 'RateLimit',
  retryAfter: 'Retry-After',
} as const;
