import type { BusLink } from './bus-link.ts';

/** What a node knows of another one, or of itself. Times are milliseconds of its own clock; 0: never. */
export class Peer {
  readonly name: string;
  /** Absent: it is a primary. */
  primary: Peer | undefined;
  configEpoch = 0;
  /** Its replication offset, as of its last message. */
  offset = 0;
  /** PFAIL: silent for longer than the node timeout, as this node sees it. */
  isSuspected = false;
  /** FAIL: a majority of the primaries suspected it. */
  isFailed = false;
  failedMs = 0;
  /** When the PING was sent that has no PONG yet; 0: none is on its way. */
  pingMs = 0;
  pongMs = 0;
  heardMs = 0;
  /** When this node last voted for a replica of it. */
  votedMs = 0;
  /** Primaries that hold it to be down, and when they last said so. */
  readonly reports = new Map<Peer, number>();
  /** The connection that this node opened to it. */
  link: BusLink | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get isReplica(): boolean {
    return this.primary !== undefined;
  }

  get isDown(): boolean {
    return this.isSuspected || this.isFailed;
  }
}
