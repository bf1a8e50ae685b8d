import type { NodeRole, RoleEvent } from '../../regions/cluster/role-watch.ts';
import type { Topology } from '../../topology/topology.ts';
import type { Network } from '../network.ts';
import type { ScriptEngine } from '../scripts/engine.ts';

export interface NodesOptions {
  readonly topology: Topology;
  readonly network: Network;
  readonly engine: ScriptEngine;
  readonly seed: number | string;
  readonly onRole: (event: RoleEvent) => void;
  /** Called when a node runs a script of a client, or its WAIT. */
  readonly onCall?: () => void;
}

/** Controls single nodes, at once; a start takes some milliseconds. */
export interface SimulatedControl {
  /** SIGKILL. Does nothing if it does not run. */
  kill(node: string): void;
  /** With its stored data. Does nothing if it runs. */
  start(node: string): void;
  startEmpty(node: string): void;
  /** SIGSTOP. */
  pause(node: string): void;
  resume(node: string): void;
  /** Steps its clock relative to earlier steps. */
  stepClock(node: string, byMs: number): void;
  /** CLUSTER FAILOVER of a replica. The result is the error, if it is refused; if not, it may still come to nothing. */
  failover(node: string): string | undefined;
}

/** The slots of a cluster, as their primaries see themselves. */
export interface NodeSlots {
  /** The primary of the shard of this planned primary: it, or a replica that took over. Undefined if none answers. */
  primaryOf(planned: string): string | undefined;
  /** The slots of a node, those with the most keys first. */
  fullestFirst(node: string): number[];
  countKeys(node: string, slot: number): number;
  /** Moves a slot with its keys at once. False if a node does not answer, or it is not that of `from`. */
  move(slot: number, ends: { readonly from: string; readonly to: string }): boolean;
}

/** The nodes of a topology of any kind. */
export interface SimulatedNodes {
  /** Absent where all slots are those of one node. */
  readonly slots?: NodeSlots;
  readonly topology: Topology;
  readonly control: SimulatedControl;
  /** Microseconds since 1970 by the clock of this node. */
  clockUsOf(node: string): number;
  /** As the node itself sees it; `down` if it does not run. A stopped node has the role that it had. */
  roleOf(node: string): NodeRole;
  /** Every node as of the last change that was reported, or as it was at the beginning. */
  roles(): ReadonlyMap<string, NodeRole>;
  /** Whether it runs and is not stopped. */
  answers(node: string): boolean;
  /** The nodes that can take over from it: none from a replica; if it does not run, those of the plan. */
  replicasOf(node: string): readonly string[];
  /** The first of the nodes that does not answer, does not serve, or is a replica without its link; undefined: none. */
  lackOfWhole(): string | undefined;
  /** Nothing is lacking, every primary is where it was planned, and all agree on that. */
  isSettled(): boolean;
  /** The planned primaries that are replicas now. */
  awayFromHome(): readonly string[];
  /** Reports what is not decided about restarts: the run ends. */
  end(): void;
}
