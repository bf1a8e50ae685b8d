import type { Effect, Store } from '../../scripts/store.ts';

/** A part of the replication stream. */
export interface StreamPart {
  readonly effects: readonly Effect[];
  /** Bytes since the beginning of the stream, after this part. */
  readonly offset: number;
  /** REPLCONF GETACK: the replica acknowledges at once. */
  readonly asksAck?: true;
}

/** What a replica sends to the data port of its primary, after a PING as of any client. */
export type FromReplica =
  | { readonly name: 'replconf'; readonly node: string }
  | { readonly name: 'psync'; readonly id: string; readonly offset: number }
  /** On the channel for the copy. */
  | { readonly name: 'copy' }
  | { readonly name: 'ack'; readonly offset: number };

/** What it hears after PSYNC. */
export type ToReplica =
  /** Partial resynchronization: what it lacks follows. */
  | { readonly continues: string }
  /** Full resynchronization: it opens a channel for a copy of all data. */
  | { readonly mustCopy: true }
  | { readonly full: { readonly id: string; readonly offset: number; readonly data: Store } }
  | { readonly part: StreamPart };
