import type { SlotSet } from './slot-set.ts';

/** What every message on the cluster bus begins with. */
export interface Header {
  readonly sender: string;
  /** Absent: it is a primary. */
  readonly replicaOf?: string;
  readonly currentEpoch: number;
  /** Of the sender, or of its primary if it is a replica; so are the slots. */
  readonly configEpoch: number;
  readonly slots: SlotSet;
  readonly replicationOffset: number;
  /** A primary that holds writes for an ordered failover. */
  readonly holdsWrites?: true;
}

/** What the sender says of another node. */
export interface Gossip {
  readonly node: string;
  readonly isFailing: boolean;
  /** When it last answered the sender, in whole seconds by the sender's clock. */
  readonly pongS: number;
}

export type Body =
  | { readonly type: 'ping' | 'pong'; readonly gossip: readonly Gossip[] }
  /** A majority holds this node to be down. */
  | { readonly type: 'fail'; readonly node: string }
  /** A replica wants to replace its primary; `forced`: although that is up. */
  | { readonly type: 'ask-vote'; readonly forced: boolean }
  | { readonly type: 'vote' }
  /** A newer configuration than the receiver's: this node owns these slots. */
  | { readonly type: 'update'; readonly node: string; readonly epoch: number; readonly claims: SlotSet }
  /** A replica asks its primary to hold writes, for an ordered failover. */
  | { readonly type: 'hold-writes' };

export type BusMessage = Header & Body;

const HEADER_BYTES = 2_256;
const GOSSIP_BYTES = 104;

/** Bytes on the wire: a bitmap of all slots is in every message. */
export function bytesOf(message: Body): number {
  const gossip = 'gossip' in message ? message.gossip.length : 0;
  return HEADER_BYTES + gossip * GOSSIP_BYTES + (message.type === 'update' ? 2_100 : 0);
}
