import type { FaultSpec } from './fault-spec.ts';

/** A scenario with every default filled in and everything random drawn: the same seed gives the same plan. */
export interface Plan {
  readonly format: 'openclaw-plan';
  readonly version: 1;
  /** The name of the scenario: of its file, `bench`, or `chaos-<fault>`. */
  readonly scenario: string;
  /** Why anyone should care, in a sentence. */
  readonly about: string;
  readonly seed: number;
  readonly topology: PlannedTopology;
  /** As `20:5/s`. */
  readonly policy: string;
  /** Of a plug-in `plugin:` and the name of its file. */
  readonly strategy: string;
  /** The file of the plug-in that limits, instead of a strategy of ours: as written, until it is resolved. */
  readonly limiter?: string;
  /** What is answered where the store cannot decide: an equal share of each region, or anything. Default: 503. */
  readonly onFailure?: 'open' | 'local-share';
  readonly load: LoadPlan;
  /** In the order in which they are injected. */
  readonly faults: readonly PlannedFault[];
  /** As written, like `total-excess <= bound`; each can be parsed. */
  readonly claims: readonly string[];
}

export interface PlannedTopology {
  readonly regions: readonly string[];
  readonly replicas: number;
  /** Milliseconds there and back, keyed `a:b`; other pairs take the default. */
  readonly roundTripMs: Readonly<Record<string, number>>;
  readonly jitterMs: number;
  readonly persistence: 'none' | 'aof';
  readonly nodeTimeoutMs: number;
  /** Each region has one Redis of its own, without replicas, since its strategy decides on that alone. */
  readonly apart?: true;
}

export interface LoadPlan {
  /** Closed: each connection sends when it was answered. Open: requests start at a constant rate. */
  readonly mode: 'closed' | 'open';
  /** Concurrent users; of an open load the most requests in flight. */
  readonly connections: number;
  /** Requests started a second, over all regions; of an open load only. */
  readonly ratePerSecond?: number;
  /** Distinct users, so distinct buckets. */
  readonly users: number;
  /** Zipf exponent of how often each user is drawn; 0 is uniform. */
  readonly skew: number;
  /** The share of users who come from every region, 0 to 1. */
  readonly roaming: number;
  /** Tokens a request asks for: one of these, each as likely. */
  readonly costs: readonly number[];
  readonly rampMs: number;
  /** Users who rest for at most `restMs` and come back in bursts; absent: none. */
  readonly resting?: { readonly share: number; readonly restMs: number; readonly burstMs: number };
  readonly durationMs: number;
}

/** A fault and when: from `atMs` after the load began, healed `forMs` later. */
export type PlannedFault = FaultSpec & { readonly atMs: number; readonly forMs: number };
