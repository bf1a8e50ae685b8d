/** The traits of a strategy that the rest of the program depends on. An absent trait means no. */
export interface StrategyTraits {
  /** Each region has its own bucket in its own Redis; its limiter has the addresses of the other regions. */
  readonly perRegionBucket?: true;
  /** Decides on a replica's copy of the bucket. */
  readonly readsReplicas?: true;
  /** An admission or a loan counts once all replicas of the primary have it, so option `replicas` is required. */
  readonly waitsForReplicas?: true;
  /** Remembers decision ids, so a repeated take is charged once. */
  readonly remembersDecisions?: true;
  /** Decides by several policies at once, all or none. */
  readonly severalPolicies?: true;
  /** Can reserve tokens, and settle later at what was used. */
  readonly reserves?: true;
  /** Every take must cost one token. */
  readonly unitCost?: true;
  /** Lends tokens to processes; may deny while other processes hold lent tokens. */
  readonly lends?: true;
  /** A bucket can be in the region of its subject: in a slot that the region's primaries own. */
  readonly homes?: true;
  /** The clock of the Redis node that decides refills the bucket. */
  readonly nodeClock?: true;
  /** Declares a bound for one window, not for the total. */
  readonly windowBound?: true;
  /** The percentage of the busiest buckets that a load must drain as evidence; absent: the default. */
  readonly contestedPercent?: number;
}

const TRAITS = {
  central: { remembersDecisions: true, severalPolicies: true, reserves: true, homes: true, nodeClock: true },
  acked: {
    ...{ remembersDecisions: true, severalPolicies: true, reserves: true, homes: true },
    ...{ waitsForReplicas: true, nodeClock: true },
  },
  article: { unitCost: true, windowBound: true },
  'active-active': { perRegionBucket: true, windowBound: true },
  'active-active-lww': { perRegionBucket: true, windowBound: true },
  'replica-reads': { readsReplicas: true },
  lease: { waitsForReplicas: true, lends: true, homes: true, nodeClock: true, contestedPercent: 40 }, // 50% to 69% drained in docs/results/matrix.md
  'lease-unacked': { lends: true, homes: true, nodeClock: true },
} as const satisfies Readonly<Record<string, StrategyTraits>>;

export type StrategyName = keyof typeof TRAITS;

export const STRATEGY_NAMES = Object.keys(TRAITS) as [StrategyName, ...StrategyName[]];

export const DEFAULT_STRATEGY: StrategyName = 'central';

/** The name of a third-party limiter in plans and histories, in place of a strategy. */
export const EXTERNAL = 'external';

export function isStrategy(name: string): name is StrategyName {
  return STRATEGY_NAMES.some((known) => known === name);
}

/** The traits of a strategy; none for a plug-in or a third-party limiter. */
export function traitsOf(strategy = ''): StrategyTraits {
  return isStrategy(strategy) ? TRAITS[strategy] : {};
}

/** Whether all regions decide on one bucket, so that each decision's level follows from the one before. */
export function hasSharedBucket(strategy: string): boolean {
  const { perRegionBucket, readsReplicas } = traitsOf(strategy);
  return !(perRegionBucket || readsReplicas);
}
