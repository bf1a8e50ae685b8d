import type { CutMode } from '../../topology/pairs.ts';
import { everyServer, isInCluster, type RegionPair, type Topology } from '../../topology/topology.ts';
import type { Port } from '../network.ts';
import type { Direction } from './connection.ts';
import type { Passes, Proxies } from './proxies.ts';
import type { RegionProxy } from './proxy.ts';
import type { Toxic } from './slot.ts';

/** One direction of the connections through one proxy. */
interface Flow {
  readonly proxy: RegionProxy;
  readonly stream: Direction;
}

/** One direction between two regions. */
export interface LinkNow {
  /** No data passes, on any connection. */
  readonly isCut: boolean;
  /** One way. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Absent: unlimited. */
  readonly rateKBps?: number;
  /** What `from` sends arrives, and the replies to it do not. */
  readonly dropsReplies: boolean;
}

const DROP_REPLY: Toxic = { name: 'drop_reply', type: 'swallow' };

/**
 * What faults do to the links between regions, by the same changes of the same proxies as in local regions.
 *
 * - `blackhole`: connections stay open, and new ones open. In each cut direction the oldest message on its way arrives at
 *   once; all others and what is sent later are dropped. That one side closes still arrives. `restore` closes every
 *   connection that was open meanwhile, also one on which nothing was sent.
 * - `refuse`: all connections are closed at once at both ends, what is on the way is lost, and new ones are refused. One
 *   way only: connections that the other side opens stay and are opened, and the data of this direction is dropped on them.
 * - `dropReplies`: the replies on connections to data ports are treated as in a blackhole.
 * - Latency and bandwidth: after a change, the oldest message on its way arrives at once, and the others are delayed by
 *   the new value since they were sent. They arrive at once when a limit of the bandwidth ends.
 */
export class SimulatedLinks {
  readonly #proxies: Proxies;
  readonly #topology: Topology;
  /** To the ports at which requests are answered. Behind Sentinels these are all: they reach nodes by the port `bus`. */
  readonly #answering: readonly Port['port'][];

  constructor(proxies: Proxies) {
    this.#proxies = proxies;
    this.#topology = proxies.topology;
    this.#answering = isInCluster(this.#topology) ? ['data'] : PORTS;
  }

  cut(pairs: readonly RegionPair[], mode: CutMode): void {
    const isOneWay = ({ from, to }: RegionPair) =>
      !pairs.some((other) => other.from === to && other.to === from);
    for (const pair of pairs) {
      if (mode === 'blackhole') swallow(this.#both(pair));
      else {
        for (const { proxy } of this.#upstream(pair)) proxy.setEnabled(false);
        if (isOneWay(pair)) swallow(this.#downstream(pair));
      }
    }
  }

  /** Removes cuts, and passes replies again. */
  restore(pairs: readonly RegionPair[]): void {
    for (const pair of pairs) {
      for (const { proxy } of this.#upstream(pair)) proxy.setEnabled(true);
      drop(this.#both(pair), 'timeout');
      this.passReplies(pair);
    }
  }

  /** Drops the replies, and the replication to a replica in `from`, on connections that `from` opened to data ports. */
  dropReplies(pair: RegionPair): void {
    for (const { proxy, stream } of this.#replies(pair)) proxy.put(stream, DROP_REPLY);
  }

  passReplies(pair: RegionPair): void {
    for (const { proxy, stream } of this.#replies(pair)) proxy.drop(stream, DROP_REPLY.name);
  }

  /** Whole milliseconds one way, in place of the planned ones. */
  setLatency(pair: RegionPair, latency: { readonly latencyMs: number; readonly jitterMs: number }): void {
    for (const { proxy, stream } of this.#both(pair))
      proxy.put(stream, { name: `latency_${stream}`, type: 'latency', ...latency });
  }

  /** For each connection, kilobytes (1,000 bytes) a second; undefined removes the limit. */
  setBandwidth(pair: RegionPair, rateKBps: number | undefined): void {
    const flows = this.#both(pair);
    if (rateKBps === undefined) drop(flows, 'bandwidth');
    else
      for (const { proxy, stream } of flows)
        proxy.put(stream, { name: `bandwidth_${stream}`, type: 'bandwidth', rateKBps });
  }

  /** What passes from one region to another now. */
  state(pair: RegionPair): LinkNow {
    const flows = this.#both(pair);
    const [first] = flows; // all have the same latency and limit
    const find = (name: string) =>
      first?.proxy.toxics[first.stream].find((toxic) => toxic.name === `${name}_${first.stream}`);
    const [latency, limit] = [find('latency'), find('bandwidth')];
    return {
      isCut: flows.every(isSilent),
      latencyMs: latency?.type === 'latency' ? latency.latencyMs : 0,
      jitterMs: latency?.type === 'latency' ? latency.jitterMs : 0,
      ...(limit?.type === 'bandwidth' && { rateKBps: limit.rateKBps }),
      dropsReplies: this.#replies(pair).every(isSilent) && !this.#upstream(pair).some(isSilent),
    };
  }

  /** Data of `from` on connections that `from` opened. */
  #upstream({ from, to }: RegionPair): Flow[] {
    return this.#flows(from, to, {
      stream: 'upstream',
      servers: everyServer(this.#topology),
      ports: PORTS,
    });
  }

  /** Data of `from` on connections that `to` opened. */
  #downstream({ from, to }: RegionPair): Flow[] {
    return this.#flows(to, from, {
      stream: 'downstream',
      servers: everyServer(this.#topology),
      ports: PORTS,
    });
  }

  #both(pair: RegionPair): Flow[] {
    return [...this.#upstream(pair), ...this.#downstream(pair)];
  }

  /** Replies to what `from` sent, without gossip and Sentinels. */
  #replies({ from, to }: RegionPair): Flow[] {
    return this.#flows(from, to, {
      stream: 'downstream',
      servers: this.#topology.nodes,
      ports: this.#answering,
    });
  }

  #flows(opener: string, at: string, { stream, servers, ports }: Kinds): Flow[] {
    const nodes = servers.filter(({ region }) => region === at);
    return WHO.flatMap((who) =>
      nodes.flatMap(({ name: node }) =>
        ports.flatMap((port) =>
          this.#proxies.of(who, opener, { node, port }).map((proxy) => ({ proxy, stream })),
        ),
      ),
    );
  }
}

const PORTS: readonly Port['port'][] = ['data', 'bus'];
const WHO: readonly Passes[] = ['nodes', 'clients'];

interface Kinds {
  readonly stream: Direction;
  readonly servers: Topology['nodes'];
  readonly ports: readonly Port['port'][];
}

function isSilent({ proxy, stream }: Flow): boolean {
  return !proxy.isEnabled || proxy.toxics[stream].some(({ type }) => type === 'swallow');
}

function swallow(flows: readonly Flow[]): void {
  for (const { proxy, stream } of flows) proxy.put(stream, { name: `timeout_${stream}`, type: 'swallow' });
}

function drop(flows: readonly Flow[], type: 'timeout' | 'bandwidth'): void {
  for (const { proxy, stream } of flows) proxy.drop(stream, `${type}_${stream}`);
}
