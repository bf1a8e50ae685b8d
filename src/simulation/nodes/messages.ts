import type { Script } from '../../limiter/redis/script.ts';

export interface ScriptCommand {
  readonly name: 'script';
  readonly script: Script;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  /** Of the first key, if the client has computed it: a node need not do so again. */
  readonly slot?: number;
  /** EVAL_RO on a connection with READONLY: a replica of the slot's primary runs it. */
  readonly onReplica?: true;
}

/** What clients send to a node or Sentinel. Replies of one connection come in the order of its commands. */
export type Command =
  | ScriptCommand
  /** Blocks the connection until so many replicas have all writes of this connection. Milliseconds. */
  | { readonly name: 'wait'; readonly replicas: number; readonly timeoutMs: number }
  | { readonly name: 'ping' }
  /** CLUSTER SLOTS, as this node sees them. */
  | { readonly name: 'slots' }
  /** ROLE. */
  | { readonly name: 'role' }
  /** SENTINEL GET-MASTER-ADDR-BY-NAME, of a Sentinel. */
  | { readonly name: 'primary' }
  /** SUBSCRIBE +switch-master, of a Sentinel: it sends `primary` after each failover. */
  | { readonly name: 'subscribe' };

/** One range of slots: its primary, and the replicas that this node knows to be linked. Names of nodes. */
export interface SlotsView {
  readonly from: number;
  readonly to: number;
  readonly primary: string;
  readonly replicas: readonly string[];
}

export type Answer =
  /** Of a script: integers and text. Of WAIT: how many replicas. Of a PING: none. */
  | { readonly values: readonly (number | string)[] }
  | { readonly slots: readonly SlotsView[] }
  | { readonly role: 'primary' | 'replica' }
  /** Of a Sentinel: the name of the node. */
  | { readonly primary: string }
  /** As Redis words it: `MOVED 42 eu-west-0`, with the name of the node as its address. */
  | { readonly error: string };
