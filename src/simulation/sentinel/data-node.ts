import { makeRandom, type Random } from '../../core/prng.ts';
import type { Timer } from '../../core/time.ts';
import type { NodeRole } from '../../regions/cluster/role-watch.ts';
import { PRIORITY } from '../../regions/sentinel/settings.ts';
import { ALL_SLOTS, type PlannedNode, type Topology } from '../../topology/topology.ts';
import type { End, Hears, Network } from '../network.ts';
import { ServerProcess } from '../nodes/process.ts';
import { DOWN, type WatchedNode } from '../nodes/role-events.ts';
import { Server } from '../nodes/server.ts';
import type { ScriptEngine } from '../scripts/engine.ts';
import { Store } from '../scripts/store.ts';
import { START_MS } from '../virtual-time.ts';
import type { FromSentinel, NodeInfo, ToSentinel } from './messages.ts';

/** From the start of a server until it listens, little data included. */
const START_US = 40_000;

export interface DataNodeOptions {
  readonly topology: Topology;
  readonly planned: PlannedNode;
  readonly network: Network;
  readonly engine: ScriptEngine;
  readonly seed: number | string;
  /** It began, ended, stopped or went on, or its role has changed. */
  readonly changed: (node: DataNode) => void;
}

interface Running {
  readonly process: ServerProcess;
  readonly server: Server;
  readonly id: string;
  /** Of digits: the lowest of equally good replicas is promoted. */
  readonly runId: string;
  readonly hadNoData: boolean;
  readonly isPaused: boolean;
  /** Connections of Sentinels. */
  readonly sentinels: Set<End<ToSentinel>>;
  readonly listening: { close(): void };
}

/**
 * A server without cluster mode: alone, or under the orders of Sentinels. Their connections lead to its port `bus`, and are
 * treated as those to its data port.
 */
export class DataNode implements WatchedNode {
  readonly name: string;
  /** `replica-priority`. */
  priority = PRIORITY;
  readonly #options: DataNodeOptions;
  readonly #random: Random;
  #running: Running | undefined;
  #starting: Timer | undefined;
  /** Whom it follows, as its configuration file has it. */
  #follows: string | undefined;
  #data: Store | undefined;
  #aheadUs = 0;
  #starts = 0;

  constructor(options: DataNodeOptions) {
    this.#options = options;
    this.name = options.planned.name;
    this.#random = makeRandom(options.seed, `node ${this.name}`);
    this.#follows = options.planned.replicaOf;
  }

  get running(): Running | undefined {
    return this.#running;
  }

  get role(): NodeRole {
    if (this.#running === undefined) return DOWN;
    return this.#running.server.primary === undefined
      ? { role: 'primary', slots: ALL_SLOTS }
      : { role: 'replica', slots: '' };
  }

  get serves(): boolean {
    return this.#running !== undefined;
  }

  /** Microseconds since 1970 by its clock. */
  get clockUs(): number {
    return START_MS * 1_000 + this.#options.network.time.nowUs + this.#aheadUs;
  }

  /** Starts with what it stored. Does nothing if it runs or starts already. `isFirst`: at once. */
  start(isFirst = false): void {
    if (this.#running !== undefined || this.#starting !== undefined) return;
    if (isFirst) this.#begin();
    else this.#starting = this.#options.network.time.after(START_US, () => this.#begin());
  }

  startEmpty(): void {
    if (this.#running === undefined) this.#data = undefined;
    this.start();
  }

  /** SIGKILL: what it did not store is gone. */
  kill(): void {
    this.#starting?.cancel();
    this.#starting = undefined;
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#data = this.#options.topology.persistence === 'aof' ? running.server.data : undefined;
    running.process.end();
    running.listening.close();
    running.server.close();
    this.#options.changed(this);
  }

  pause(): void {
    this.#running?.process.pause();
    this.#options.changed(this);
  }

  resume(): void {
    this.#running?.process.resume();
    this.#options.changed(this);
  }

  stepClock(byMs: number): void {
    this.#aheadUs += Math.round(byMs * 1_000);
  }

  #begin(): void {
    this.#starting = undefined;
    const { topology, planned, network, engine, changed } = this.#options;
    const { minReplicasToWrite: count, minReplicasMaxLagMs } = topology;
    const process = new ServerProcess(network.time);
    const stored = this.#data;
    const server = new Server({
      ...{ network, engine, process, random: this.#random, data: stored ?? new Store() },
      place: { region: planned.region, node: this.name },
      clockUs: () => this.clockUs,
      replicaOf: this.#follows,
      ...(count !== undefined && {
        minReplicas: { count, maxLagS: (minReplicasMaxLagMs ?? 10_000) / 1_000 },
      }),
    });
    const sentinels = new Set<End<ToSentinel>>();
    const runId = String(Math.floor(this.#random() * 1e9)).padStart(9, '0');
    const listening = network.listen<ToSentinel, FromSentinel>({ node: this.name, port: 'bus' }, (end) =>
      this.#accept(end, { process, server, sentinels, runId }),
    );
    this.#running = {
      ...{ process, server, sentinels, runId, listening, id: `${this.name}-${++this.#starts}` },
      hadNoData: stored === undefined || stored.size === 0,
      get isPaused() {
        return process.isPaused;
      },
    };
    changed(this);
  }

  #accept(
    end: End<ToSentinel>,
    on: Pick<Running, 'process' | 'server' | 'sentinels' | 'runId'>,
  ): Hears<FromSentinel> {
    const { process, sentinels } = on;
    sentinels.add(end);
    const socket = process.socket();
    return {
      message: (message) => socket.run(() => sentinels.has(end) && this.#hear(message, end, on)),
      closed: () => sentinels.delete(end),
    };
  }

  #hear(
    message: FromSentinel,
    from: End<ToSentinel>,
    { server, sentinels, runId }: Pick<Running, 'server' | 'sentinels' | 'runId'>,
  ): void {
    if (message.name === 'ping') from.send({ reply: 'pong' }, 7);
    else if (message.name === 'info') from.send({ info: this.#infoOf(server, runId) }, 4_000);
    else if (message.name === 'hello') {
      for (const sentinel of sentinels) sentinel.send({ hello: message.hello }, 150);
    } else if (message.name === 'replicaof') this.#follow(message.node, from, { server, sentinels });
  }

  /** In one transaction: the new role, the configuration file, and the end of all other connections of clients. */
  #follow(
    node: string | undefined,
    from: End<ToSentinel>,
    { server, sentinels }: Pick<Running, 'server' | 'sentinels'>,
  ): void {
    if (node === undefined) server.promote();
    else if (server.primary !== node) server.replicate(node);
    this.#follows = node;
    server.disconnectClients();
    for (const other of [...sentinels]) {
      if (other === from) continue;
      sentinels.delete(other);
      other.close();
    }
    this.#options.changed(this);
  }

  #infoOf(server: Server, runId: string): NodeInfo {
    const { primary, isLinked, ageS, offset } = server;
    return {
      runId,
      role: primary === undefined ? 'primary' : 'replica',
      ...(primary !== undefined && { follows: primary }),
      isLinked: primary !== undefined && isLinked,
      linkDownMs: primary === undefined || isLinked ? 0 : ageS * 1_000,
      ...{ offset, priority: this.priority },
    };
  }
}
