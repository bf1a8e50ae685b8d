/** As in src/regions/links.ts. */
type CutMode = 'blackhole' | 'refuse';

/** What is cut from what. */
export type PartitionShape =
  /** These from all others, both ways. */
  | { readonly isolate: readonly string[] }
  /** Each group from every other; a region in no group is cut from nobody. */
  | { readonly split: readonly (readonly string[])[] }
  /** One way only: what flows from these to those. */
  | { readonly from: readonly string[]; readonly to: readonly string[] }
  /** These two from each other; both still reach the rest. */
  | { readonly bridge: readonly [string, string] };

export type PartitionSpec = { readonly fault: 'partition'; readonly mode: CutMode } & PartitionShape;

/** Both ways between two regions, over the configured delay; it grows from nothing during `rampMs`. */
export interface LatencySpec {
  readonly fault: 'latency';
  readonly between: readonly [string, string];
  /** One way. */
  readonly addMs: number;
  readonly jitterMs: number;
  readonly rampMs: number;
}

/** Both ways between two regions, for each connection. */
export interface BandwidthSpec {
  readonly fault: 'bandwidth';
  readonly between: readonly [string, string];
  /** Kilobytes (1,000 bytes) a second. */
  readonly rateKBps: number;
}

/** Requests that leave these regions arrive abroad, the replies to them do not come back. */
export interface DropReplySpec {
  readonly fault: 'drop-reply';
  readonly regions: readonly string[];
}

/** A partition that comes and goes; every length varies by up to half of it, drawn from the seed. */
export type FlapSpec = {
  readonly fault: 'flap';
  readonly mode: CutMode;
  readonly downMs: number;
  readonly upMs: number;
} & PartitionShape;

/** SIGKILL; started again, with what it remembers, when the fault is healed. */
export interface KillSpec {
  readonly fault: 'kill';
  readonly node: string;
}

/** SIGKILL, then started again as soon as its replica has been promoted. */
export interface RestartSpec {
  readonly fault: 'restart';
  readonly node: string;
}

/** SIGKILL and started again at once with nothing, before anybody can notice. */
export interface RestartEmptySpec {
  readonly fault: 'restart-empty';
  readonly node: string;
}

/** SIGSTOP; SIGCONT when the fault is healed. */
export interface PauseSpec {
  readonly fault: 'pause';
  readonly node: string;
}

/** An ordered failover: this replica becomes the primary. */
export interface FailoverSpec {
  readonly fault: 'failover';
  readonly node: string;
}

/** The clock of a region's Rating service is off by this much; negative: behind. */
export interface GatewayClockSpec {
  readonly fault: 'gateway-clock';
  readonly region: string;
  readonly offsetMs: number;
}

/** The clock of a Redis node steps by this much; negative: back. It steps back when the fault is healed. */
export interface NodeClockSpec {
  readonly fault: 'node-clock';
  readonly node: string;
  readonly stepMs: number;
}

/** One fault with its parameters, as scenarios and commands write it. Regions and nodes are named as in the topology. */
export type FaultSpec =
  | PartitionSpec
  | LatencySpec
  | BandwidthSpec
  | DropReplySpec
  | FlapSpec
  | KillSpec
  | RestartSpec
  | RestartEmptySpec
  | PauseSpec
  | FailoverSpec
  | GatewayClockSpec
  | NodeClockSpec;
