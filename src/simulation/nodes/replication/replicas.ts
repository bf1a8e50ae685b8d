import type { Timer } from '../../../core/time.ts';
import type { End } from '../../network.ts';
import type { Effect, Store } from '../../scripts/store.ts';
import type { ServerProcess } from '../process.ts';
import type { ReplicationLog } from './log.ts';
import type { StreamPart, ToReplica } from './messages.ts';

/** `repl-timeout`: a silent replica is disconnected after it. */
const SILENT_S = 60;
/** `repl-ping-replica-period`. */
const PING_S = 10;
/** The header of a snapshot, and what one more key adds, bytes. */
const SNAPSHOT_BYTES = 200;

export interface ReplicasOptions {
  readonly log: ReplicationLog;
  readonly process: ServerProcess;
  readonly data: () => Store;
  /** The node's clock in whole seconds. */
  readonly clockS: () => number;
  /** `min-replicas-to-write` and `min-replicas-max-lag` in seconds. */
  readonly minReplicas?: { readonly count: number; readonly maxLagS: number };
}

interface Replica {
  readonly node: string;
  readonly end: End<ToReplica>;
  /** Online once it acknowledged; before that it copies all data and does not count. */
  isOnline: boolean;
  acked: number;
  ackedS: number;
}

interface Wait {
  readonly offset: number;
  readonly replicas: number;
  readonly done: (count: number) => void;
  readonly timer: Timer | undefined;
}

/**
 * The replicas that are linked to this primary: what they acknowledged, who waits for it, and whether there are enough
 * of them to write. Left out: transfer limits, buffers that overflow.
 */
export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #replicas: Replica[] = [];
  readonly #waits = new Set<Wait>();
  #isHeld = false;
  #wasCopied = false;
  #pingedS: number;
  #good = 0;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#pingedS = options.clockS();
  }

  /** The nodes that are linked and up to date enough to be listed. */
  get online(): readonly string[] {
    return this.#replicas.filter(({ isOnline }) => isOnline).map(({ node }) => node);
  }

  /** Whether a replica began to copy all data: `sync_full` of Redis above 0. */
  get wasCopied(): boolean {
    return this.#wasCopied;
  }

  /** Whether a write is refused with NOREPLICAS. It is counted once a second and when replicas come and go, as Redis does. */
  get areTooFew(): boolean {
    const { minReplicas } = this.#options;
    return minReplicas !== undefined && this.#good < minReplicas.count;
  }

  /**
   * PSYNC, or a copy if `from` is not given. Returns the replica, for `acknowledge` and `detach`; `must copy` if the stream
   * does not go back so far.
   */
  attach(
    node: string,
    end: End<ToReplica>,
    from: { readonly id: string; readonly offset: number } | undefined,
  ): Replica | 'must copy' {
    const { log, data, clockS } = this.#options;
    const replica: Replica = { node, end, isOnline: false, acked: 0, ackedS: clockS() };
    const missed = from && log.after(from.id, from.offset);
    if (from !== undefined && missed === undefined) return 'must copy';
    this.#replicas.push(replica);
    if (missed === undefined) {
      this.#wasCopied = true;
      end.send({ full: { id: log.id, offset: log.offset, data: data().copy() } }, SNAPSHOT_BYTES);
    } else {
      replica.isOnline = true;
      end.send({ continues: log.id }, 60);
      for (const part of missed) send(replica, { part });
    }
    this.#count();
    return replica;
  }

  detach(replica: Replica): void {
    const at = this.#replicas.indexOf(replica);
    if (at >= 0) this.#replicas.splice(at, 1);
    this.#count();
  }

  acknowledge(replica: Replica, offset: number): void {
    replica.acked = offset;
    replica.ackedS = this.#options.clockS();
    if (!replica.isOnline) {
      replica.isOnline = true;
      this.#count();
    }
    for (const wait of this.#waits) if (this.#have(wait.offset) >= wait.replicas) this.#end(wait);
  }

  /** Sends writes to every replica. */
  feed(effects: readonly Effect[]): void {
    this.#send(this.#options.log.append(effects));
  }

  /**
   * WAIT: calls `done` with the number of replicas that acknowledged this offset, at once if there are enough, else when
   * there are or after the timeout; 0 ms waits without limit.
   */
  wait(
    { offset, replicas, timeoutMs }: { offset: number; replicas: number; timeoutMs: number },
    done: (count: number) => void,
  ): void {
    const have = this.#have(offset);
    if (have >= replicas) {
      done(have);
      return;
    }
    const timer =
      timeoutMs > 0 ? this.#options.process.after(timeoutMs * 1_000, () => this.#end(wait)) : undefined;
    const wait: Wait = { offset, replicas, done, timer };
    this.#waits.add(wait);
    if (!this.#isHeld) this.#askAcks();
  }

  /** While it is true, the stream rests: an ordered failover waits for the replica to have all of it. */
  set isHeld(isHeld: boolean) {
    this.#isHeld = isHeld;
    if (!isHeld && this.#waits.size > 0) this.#askAcks();
  }

  /** Gives up all waits: the server becomes a replica, and closes these connections itself. */
  abandon(): void {
    for (const { timer } of this.#waits) timer?.cancel();
    this.#waits.clear();
    for (const { end } of this.#replicas.splice(0)) end.close();
    this.#count();
  }

  /** Once a second: pings, and disconnects those that are silent. */
  cron(isPrimary: boolean): void {
    const nowS = this.#options.clockS();
    if (isPrimary && !this.#isHeld && this.#replicas.length > 0 && nowS - this.#pingedS >= PING_S) {
      this.#pingedS = nowS;
      this.feed([]);
    }
    for (const replica of [...this.#replicas]) {
      if (nowS - replica.ackedS <= SILENT_S) continue;
      replica.end.close();
      this.detach(replica);
    }
    this.#count();
  }

  #askAcks(): void {
    this.#send(this.#options.log.append([], true));
  }

  #have(offset: number): number {
    let count = 0;
    for (const { isOnline, acked } of this.#replicas) if (isOnline && acked >= offset) count++;
    return count;
  }

  #end(wait: Wait): void {
    wait.timer?.cancel();
    this.#waits.delete(wait);
    wait.done(this.#have(wait.offset));
  }

  /** To all that have their copy; those that still load it get all parts after it, too, in the order of their connection. */
  #send(part: StreamPart): void {
    const message = { part };
    for (const replica of this.#replicas) send(replica, message);
  }

  #count(): void {
    const { minReplicas, clockS } = this.#options;
    if (minReplicas === undefined) return;
    const nowS = clockS();
    this.#good = this.#replicas.filter(
      ({ isOnline, ackedS }) => isOnline && nowS - ackedS <= minReplicas.maxLagS,
    ).length;
  }
}

export type { Replica };

function send({ end }: Replica, message: { readonly part: StreamPart }): void {
  end.send(message, 60 + 130 * message.part.effects.length);
}
