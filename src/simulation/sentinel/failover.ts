import { PERIODS } from './periods.ts';
import type { Watched } from './watched.ts';

/** What a failover needs of its Sentinel. */
export interface Monitor {
  nowMs(): number;
  /** `failover-timeout`. */
  readonly failoverMs: number;
  readonly primary: Watched;
  readonly replicas: readonly Watched[];
  /** Whether this Sentinel has won the votes of an epoch. */
  isLeader(epoch: number): boolean;
  /** The replica to promote; undefined if none is good enough. */
  select(): Watched | undefined;
}

type State = 'wait start' | 'select' | 'order' | 'wait promotion' | 'reconfigure';

/**
 * One failover of one Sentinel, a step at each of its ticks, as `sentinelFailoverStateMachine` of Redis 8: wait for the
 * votes, select a replica, order its promotion, wait until it says that it is the primary, let the other replicas follow it.
 */
export class Failover {
  readonly epoch: number;
  readonly #monitor: Monitor;
  readonly #isOrdered: boolean;
  readonly #startMs: number;
  #state: State = 'wait start';
  #changedMs: number;
  #promoted: Watched | undefined;

  /** `startMs`: when it began, and was put off by. An ordered one needs no votes. */
  constructor(
    monitor: Monitor,
    { epoch, startMs, isOrdered }: { epoch: number; startMs: number; isOrdered: boolean },
  ) {
    this.#monitor = monitor;
    this.epoch = epoch;
    this.#startMs = startMs;
    this.#isOrdered = isOrdered;
    this.#changedMs = monitor.nowMs();
  }

  /** The replica that has become the primary, once it says so. */
  get successor(): string | undefined {
    return this.#state === 'reconfigure' ? this.#promoted?.name : undefined;
  }

  isPromoting(replica: Watched): boolean {
    return replica === this.#promoted;
  }

  /** A replica says that it is a primary. Whether it is the one that this failover waits for. */
  promoted(replica: Watched): boolean {
    if (this.#state !== 'wait promotion' || replica !== this.#promoted) return false;
    this.#enter('reconfigure');
    return true;
  }

  /** What comes of it: `aborted`, or `switch` to the successor. */
  step(): 'aborted' | 'switch' | undefined {
    switch (this.#state) {
      case 'wait start':
        return this.#waitForVotes();
      case 'select':
        return this.#select();
      case 'order':
        return this.#order();
      case 'wait promotion':
        return this.#isOverdue ? 'aborted' : undefined;
      case 'reconfigure':
        return this.#reconfigure();
    }
  }

  get #isOverdue(): boolean {
    const { failoverMs } = this.#monitor;
    return this.#monitor.nowMs() - this.#changedMs > failoverMs;
  }

  #enter(state: State): void {
    this.#state = state;
    this.#changedMs = this.#monitor.nowMs();
  }

  #waitForVotes(): 'aborted' | undefined {
    const isLeader = this.#monitor.isLeader(this.epoch);
    if (isLeader || this.#isOrdered) {
      this.#enter('select');
      return undefined;
    }
    const electionMs = Math.min(PERIODS.electionMs, this.#monitor.failoverMs);
    return this.#monitor.nowMs() - this.#startMs > electionMs ? 'aborted' : undefined;
  }

  #select(): 'aborted' | undefined {
    this.#promoted = this.#monitor.select();
    if (this.#promoted === undefined) return 'aborted';
    this.#enter('order');
    return undefined;
  }

  #order(): 'aborted' | undefined {
    if (this.#promoted?.link.isConnected !== true) return this.#isOverdue ? 'aborted' : undefined;
    this.#promoted.link.send({ name: 'replicaof', node: undefined });
    this.#enter('wait promotion');
    return undefined;
  }

  /** A promoted replica that is down by now does not keep the others from being ordered, but the switch waits for it. */
  #reconfigure(): 'switch' | undefined {
    const promoted = this.#promoted;
    const others = this.#monitor.replicas.filter((replica) => replica !== promoted);
    if (promoted === undefined) return undefined;
    for (const replica of others) {
      const sinceMs = this.#monitor.nowMs() - replica.reconfiguredMs;
      if (replica.reconfiguring === 'sent' && sinceMs > PERIODS.reconfigureMs) replica.reconfiguring = 'done'; // late
      if (replica.reconfiguring === undefined) this.#follow(replica, promoted.name);
    }
    const waiting = others.filter(({ reconfiguring, isDown }) => reconfiguring !== 'done' && !isDown);
    return promoted.isDown || (waiting.length > 0 && !this.#isOverdue) ? undefined : 'switch';
  }

  #follow(replica: Watched, node: string): void {
    if (!replica.link.isConnected) return;
    replica.link.send({ name: 'replicaof', node });
    replica.reconfiguring = 'sent';
    replica.reconfiguredMs = this.#monitor.nowMs();
  }
}
