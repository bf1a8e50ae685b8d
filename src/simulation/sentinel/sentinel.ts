import type { Random } from '../../core/prng.ts';
import { quorumOf } from '../../topology/one-primary.ts';
import type { PlannedNode, Topology } from '../../topology/topology.ts';
import type { Network } from '../network.ts';
import { ServerProcess } from '../nodes/process.ts';
import { Failover, type Monitor } from './failover.ts';
import type { Hello, NodeInfo, ToSentinel } from './messages.ts';
import { Peers } from './peers.ts';
import { HURRIED, PERIODS } from './periods.ts';
import { selectReplica } from './select-replica.ts';
import { serve } from './serve.ts';
import { Votes } from './votes.ts';
import { Watched } from './watched.ts';

/** As the settings of local regions have it: each Sentinel suspects a node so much later than the one before it. */
const APART_MS = 500;
const FAILOVER_TIMEOUTS = 3;
const LEAST_FAILOVER_MS = 5_000;

export interface SentinelOptions {
  readonly topology: Topology;
  readonly planned: PlannedNode;
  readonly network: Network;
  readonly random: Random;
}

/**
 * One Sentinel, as `sentinel.c` of Redis 8: pings, INFO and hello messages, subjectively and objectively down, votes by
 * epoch, the failover, and the reconfiguration of nodes that have another role than its configuration. Begins with the
 * planned configuration, and knows all nodes and Sentinels. Left out: TILT, scripts, authentication, restarts of it.
 */
export class Sentinel implements Monitor {
  readonly name: string;
  readonly failoverMs: number;
  readonly #downAfterMs: number;
  readonly #options: SentinelOptions;
  readonly #process: ServerProcess;
  readonly #votes: Votes;
  readonly #peers: Peers;
  readonly #publish: (primary: string) => void;
  #nodes: ReadonlyMap<string, Watched>;
  #primary: string;
  #configEpoch = 0;
  #failover: Failover | undefined;
  #failoverStartMs = Number.NEGATIVE_INFINITY;
  /** Whether it reads INFO and publishes more often: while it orders a failover. */
  isHurried = false;

  constructor(options: SentinelOptions) {
    const { topology, planned, network } = options;
    this.#options = options;
    this.name = planned.name;
    this.#process = new ServerProcess(network.time);
    this.#downAfterMs = topology.nodeTimeoutMs + topology.sentinels.indexOf(planned) * APART_MS;
    this.failoverMs = Math.max(LEAST_FAILOVER_MS, FAILOVER_TIMEOUTS * topology.nodeTimeoutMs);
    this.#votes = new Votes(this.name, () => {
      this.#failoverStartMs = this.nowMs() + this.#drawDesyncMs();
    });
    this.#primary = topology.nodes[0]?.name ?? '';
    this.#nodes = this.#watchNodes();
    const others = topology.sentinels.filter((other) => other !== planned);
    this.#peers = new Peers(
      others.map(
        ({ name }) =>
          (hear) =>
            this.#watch(name, 'data', hear),
      ),
      () => this.nowMs(),
    );
    this.#publish = serve(network, {
      ...{ node: this.name, process: this.#process, votes: this.#votes },
      named: () => this.named,
      primary: () => this.primary,
      hearHello: (hello) => this.#hearHello(hello),
    });
    this.#tickLater();
  }

  nowMs(): number {
    return Math.floor(this.#options.network.time.nowUs / 1_000);
  }

  get primary(): Watched {
    return this.#nodes.get(this.#primary) as Watched;
  }

  get replicas(): readonly Watched[] {
    return [...this.#nodes.values()].filter(({ name }) => name !== this.#primary);
  }

  /** The primary as it tells clients: the successor as soon as that has been promoted. */
  get named(): string {
    return this.#failover?.successor ?? this.#primary;
  }

  /** Whether it holds no node or Sentinel for down, and fails nothing over. */
  get isCalm(): boolean {
    const isUp = ({ isDown }: Watched) => !isDown;
    return (
      this.#failover === undefined &&
      [...this.#nodes.values()].every(isUp) &&
      this.#peers.all.every(({ watched }) => isUp(watched))
    );
  }

  /** The priority of a replica as this Sentinel last read it. */
  priorityOf(node: string): number | undefined {
    return this.#nodes.get(node)?.info?.priority;
  }

  /** SENTINEL FAILOVER. The result is the error, if it is refused. */
  orderFailover(): string | undefined {
    if (this.#failover !== undefined) return 'INPROG Failover already in progress';
    if (this.select() === undefined) return 'NOGOODSLAVE No suitable replica to promote';
    this.#startFailover(true);
    return undefined;
  }

  isLeader(epoch: number): boolean {
    return this.#votes.isLeader(epoch, this.#peers.all, quorumOf(this.#options.topology));
  }

  select(): Watched | undefined {
    const infoMs = this.primary.isDown ? 5 * PERIODS.pingMs : 3 * this.#periods.infoMs;
    const mostDownMs = this.primary.downMs + 10 * this.#downAfterMs;
    return selectReplica(this.replicas, { nowMs: this.nowMs(), infoMs, mostDownMs });
  }

  get #periods() {
    return this.isHurried ? HURRIED : PERIODS;
  }

  #watchNodes(): ReadonlyMap<string, Watched> {
    return new Map(this.#options.topology.nodes.map(({ name }) => [name, this.#watch(name, 'bus')]));
  }

  #watch(name: string, port: 'bus' | 'data', hear?: (message: ToSentinel) => void): Watched {
    const { network, planned } = this.#options;
    const watched: Watched = new Watched(name, {
      ...{
        network,
        process: this.#process,
        from: { region: planned.region, node: this.name },
        to: { node: name, port },
      },
      nowMs: () => this.nowMs(),
      hear: (message) => {
        if ('info' in message) this.#note(watched, message.info);
        else if ('hello' in message) this.#hearHello(message.hello);
        else hear?.(message);
      },
    });
    return watched;
  }

  /** Ticks 10 to 19 times a second, drawn again each time, so that Sentinels do not act at one moment. */
  #tickLater(): void {
    const hz = 10 + Math.floor(this.#options.random() * 10);
    this.#process.after(Math.floor(1_000 / hz) * 1_000, () => {
      this.#tick();
      this.#tickLater();
    });
  }

  #tick(): void {
    this.#tend(this.primary, 'primary');
    const isSwitching = this.#tendPrimary();
    for (const replica of this.replicas) this.#tend(replica, 'replica');
    for (const { watched } of this.#peers.all) this.#tend(watched, 'sentinel');
    if (isSwitching) this.#switchTo(this.named);
  }

  #tend(watched: Watched, kind: 'primary' | 'replica' | 'sentinel'): void {
    const { link } = watched;
    const nowMs = this.nowMs();
    link.keepUp(this.#downAfterMs);
    if (link.isConnected) {
      if (kind !== 'sentinel' && nowMs - watched.infoMs > this.#infoMsOf(watched, kind))
        link.send({ name: 'info' });
      if (nowMs - watched.publishedMs > this.#periods.publishMs) {
        watched.publishedMs = nowMs;
        link.send({ name: 'hello', hello: this.#hello });
      }
    }
    link.dropIfSilent(this.#downAfterMs);
    const saysReplica = kind === 'primary' && watched.info?.role === 'replica';
    const patienceMs = this.#downAfterMs + 2 * this.#periods.infoMs;
    watched.judge(
      link.silentMs > this.#downAfterMs || (saysReplica && nowMs - watched.roleSinceMs > patienceMs),
    );
  }

  #infoMsOf({ info }: Watched, kind: 'primary' | 'replica'): number {
    const isUrgent = this.#failover !== undefined || this.#isObjectivelyDown || (info?.linkDownMs ?? 0) !== 0;
    return kind === 'replica' && isUrgent
      ? Math.min(PERIODS.urgentInfoMs, this.#periods.infoMs)
      : this.#periods.infoMs;
  }

  /** This Sentinel and enough others hold the primary for down. */
  get #isObjectivelyDown(): boolean {
    if (!this.primary.isDown) return false;
    return this.#peers.saying + 1 >= quorumOf(this.#options.topology);
  }

  /** Whether a failover of it has succeeded. */
  #tendPrimary(): boolean {
    const isLate = this.nowMs() - this.#failoverStartMs >= 2 * this.failoverMs;
    if (this.#isObjectivelyDown && this.#failover === undefined && isLate) {
      this.#startFailover(false);
      this.#ask(true);
    }
    const came = this.#failover?.step();
    if (came === 'aborted') this.#failover = undefined;
    this.#ask(false);
    return came === 'switch';
  }

  #startFailover(isOrdered: boolean): void {
    this.#votes.currentEpoch++;
    this.#failoverStartMs = this.nowMs() + this.#drawDesyncMs();
    const epoch = this.#votes.currentEpoch;
    this.#failover = new Failover(this, { epoch, startMs: this.#failoverStartMs, isOrdered });
  }

  #drawDesyncMs(): number {
    return Math.floor(this.#options.random() * PERIODS.desyncMs);
  }

  #ask(isForced: boolean): void {
    const candidate = this.#failover === undefined ? undefined : this.name;
    const question = { node: this.#primary, epoch: this.#votes.currentEpoch, candidate };
    if (this.primary.isDown) this.#peers.ask({ name: 'is-down', ...question }, isForced);
    else this.#peers.forget();
  }

  get #hello(): Hello {
    const { currentEpoch } = this.#votes;
    return { sentinel: this.name, currentEpoch, primary: this.named, configEpoch: this.#configEpoch };
  }

  #hearHello({ sentinel, currentEpoch, primary, configEpoch }: Hello): void {
    if (sentinel === this.name) return;
    this.#votes.hear(currentEpoch);
    if (configEpoch <= this.#configEpoch) return;
    this.#configEpoch = configEpoch;
    if (primary !== this.#primary) this.#switchTo(primary);
  }

  #note(watched: Watched, info: NodeInfo): void {
    if (this.#nodes.get(watched.name) !== watched) return;
    const isPrimary = watched.name === this.#primary;
    watched.note(info, isPrimary ? 'primary' : 'replica');
    if (isPrimary) return;
    if (info.role === 'primary') this.#noteExtraPrimary(watched);
    else this.#noteReplica(watched, info);
  }

  /** The replica that it promotes is the primary now; any other is ordered to follow the primary after some time. */
  #noteExtraPrimary(watched: Watched): void {
    if (this.#failover?.promoted(watched)) {
      this.#configEpoch = this.#failover.epoch;
      for (const each of [...this.#nodes.values(), ...this.#peers.all.map((peer) => peer.watched)])
        each.publishedMs = Number.NEGATIVE_INFINITY;
      return;
    }
    const waitMs = 4 * this.#periods.publishMs;
    if (this.#failover?.isPromoting(watched) || this.nowMs() - watched.roleSinceMs <= waitMs) return;
    this.#correct(watched, waitMs);
  }

  #noteReplica(watched: Watched, { follows, isLinked }: NodeInfo): void {
    const isSuccessor = follows === this.#failover?.successor;
    if (watched.reconfiguring === 'sent' && isSuccessor) watched.reconfiguring = 'in progress';
    if (watched.reconfiguring === 'in progress' && isLinked) watched.reconfiguring = 'done';
    if (follows === this.#primary || this.nowMs() - watched.followsSinceMs <= this.failoverMs) return;
    this.#correct(watched, this.failoverMs);
  }

  /** Tells a node to follow the primary, if that is well and the node was up for so long. */
  #correct(watched: Watched, upMs: number): void {
    const { info, isDown, infoMs } = this.primary;
    const isSane = info?.role === 'primary' && !isDown && this.nowMs() - infoMs < 2 * this.#periods.infoMs;
    if (isSane && watched.wasUpFor(upMs)) watched.link.send({ name: 'replicaof', node: this.#primary });
  }

  /** Its configuration is another now: it knows nothing of the nodes, and connects to them again. */
  #switchTo(primary: string): void {
    for (const { link } of this.#nodes.values()) link.close();
    this.#failover = undefined;
    this.#failoverStartMs = Number.NEGATIVE_INFINITY;
    this.#primary = primary;
    this.#nodes = this.#watchNodes();
    this.#publish(primary);
  }
}
