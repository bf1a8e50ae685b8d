import type { Roaming } from '../core/roaming.ts';
import type { TopologyOptions } from '../topology/topology.ts';
import type { FaultSpec } from './faults/index.ts';
import type { RecordedLog } from './recorded-log.ts';

/** A scenario with all defaults and all random values: the same seed gives the same plan. */
export interface Plan {
  readonly format: 'openclaw-plan';
  readonly version: 1;
  /** The name of the scenario: the base name of its file, `bench`, or `chaos-<fault>`. */
  readonly scenario: string;
  /** A sentence that describes the scenario. */
  readonly about: string;
  readonly seed: number;
  /** Absent round trips have the default. */
  readonly topology: TopologyOptions;
  /** As `20:5/s`; several as `burst=10:10/s, hourly=1000:1000/h`. */
  readonly policy: string;
  /** For a plug-in: `plugin:` and the name of its file. */
  readonly strategy: string;
  /** The file of the plug-in that replaces a strategy: as written, until it is resolved. */
  readonly limiter?: string;
  /** What a service does while its store cannot decide: allow, or use the share of its region. Absent: answer 503. */
  readonly onFailure?: 'open' | 'local-share';
  /** Rating services of each region, behind its gateway. Absent: 1. */
  readonly instances?: number;
  /** Each user's bucket is in its home, the region that its name begins with. Absent: buckets have no home. */
  readonly homes?: true;
  /** The share of the buckets that are recorded and judged, drawn by the seed; for a simulation. Absent: all. */
  readonly sample?: number;
  readonly load: LoadPlan;
  /** In the order in which they are injected. */
  readonly faults: readonly PlannedFault[];
  /** As written, like `total-excess <= bound`; each can be parsed. */
  readonly claims: readonly string[];
}

export interface LoadPlan {
  /** Closed: each connection sends once its last request is answered. Open: requests start when they are due. */
  readonly mode: 'closed' | 'open';
  /** Connections, each with at most one request in flight. */
  readonly connections: number;
  /** Processes that send it, at most one for each region. Absent: as many as the machine has room for. */
  readonly processes?: number;
  /** Requests started per second, over all regions; for an open load without a log. */
  readonly ratePerSecond?: number;
  /** Times of a higher rate, each at the end of a period. */
  readonly peaks?: { readonly ratePerSecond: number; readonly everyMs: number; readonly forMs: number };
  /** The log whose requests are sent again. Users, costs and the length of the load are those of the log. */
  readonly log?: RecordedLog & {
    /** Once it is read: how many requests are sent. */
    readonly requests?: number;
    /** Lines that are not sent: without a key, or that cannot be read; absent: none. */
    readonly keyless?: number;
    readonly unread?: number;
  };
  /** Distinct users; each has a bucket. */
  readonly users: number;
  /** Zipf exponent of how often each user is drawn; 0 is uniform. */
  readonly skew: number;
  /** The share of users who send from every region, 0 to 1; `auto`: the busiest do. */
  readonly roaming: Roaming;
  /** Tokens of a request: one of these, each equally likely. */
  readonly costs: readonly number[];
  /** The same of the policies with a cost of their own, where there are several. Drawn independently. */
  readonly costsByPolicy?: Readonly<Record<string, readonly number[]>>;
  /** What a request really costs, each equally likely: it reserves its cost and is settled at this. Absent: it takes its cost. */
  readonly actuals?: readonly number[];
  readonly rampMs: number;
  /** How long a simulation warms up; a real run takes 2 s for its new processes. Absent: 1 s. */
  readonly warmUpMs?: number;
  /** Users who rest for at most `restMs` and come back in bursts; absent: none. */
  readonly resting?: { readonly share: number; readonly restMs: number; readonly burstMs: number };
  readonly durationMs: number;
}

/** A fault, injected `atMs` after the start of the load and healed `forMs` later. */
export type PlannedFault = FaultSpec & { readonly atMs: number; readonly forMs: number };
