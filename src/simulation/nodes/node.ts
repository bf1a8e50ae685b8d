import { makeRandom, type Random } from '../../core/prng.ts';
import type { Timer } from '../../core/time.ts';
import type { NodeRole } from '../../regions/cluster/role-watch.ts';
import type { PlannedNode } from '../../topology/planned-node.ts';
import type { Topology } from '../../topology/topology.ts';
import type { Network } from '../network.ts';
import type { ScriptEngine } from '../scripts/engine.ts';
import { Store } from '../scripts/store.ts';
import { START_MS } from '../virtual-time.ts';
import { Member } from './cluster/member.ts';
import type { View } from './cluster/view.ts';
import { ServerProcess } from './process.ts';
import { DOWN, type WatchedNode } from './role-events.ts';
import { Server } from './server.ts';

/** From the start of a server until it listens, little data included. */
const START_US = 100_000;

export interface NodeOptions {
  readonly topology: Topology;
  readonly planned: PlannedNode;
  readonly network: Network;
  readonly engine: ScriptEngine;
  readonly seed: number | string;
  /** What it knows when the cluster has been formed. */
  readonly view: View;
  /** It began, ended, stopped or went on, or its role, slots or state may have changed. */
  readonly changed: (node: SimulatedNode) => void;
}

/** One process of a node. */
interface Running {
  readonly isPaused: boolean;
  readonly process: ServerProcess;
  readonly server: Server;
  readonly member: Member;
  readonly id: string;
  readonly hadNoData: boolean;
}

/** A node of a cluster: its clock, what it stored, and the process that runs, if one does. */
export class SimulatedNode implements WatchedNode {
  readonly name: string;
  readonly #options: NodeOptions;
  readonly #random: Random;
  #running: Running | undefined;
  #starting: Timer | undefined;
  #view: View;
  #data: Store | undefined;
  #aheadUs = 0;
  #starts = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.name = options.planned.name;
    this.#random = makeRandom(options.seed, `node ${this.name}`);
    this.#view = options.view;
  }

  get running(): Running | undefined {
    return this.#running;
  }

  /** Its own view of itself, with slots as CLUSTER NODES prints them. */
  get role(): NodeRole {
    if (this.#running === undefined) return DOWN;
    const { self, table } = this.#running.member.view;
    if (self.isReplica) return { role: 'replica', slots: '' };
    const slots = table
      .of(self.name)
      .ranges()
      .map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
    return { role: 'primary', slots: slots.join(' ') };
  }

  /** Whether it runs and sees its cluster as ok. */
  get serves(): boolean {
    return this.#running?.member.isOk === true;
  }

  /** Microseconds since 1970 by its clock. */
  get clockUs(): number {
    return START_MS * 1_000 + this.#options.network.time.nowUs + this.#aheadUs;
  }

  /** Starts with what it stored. Does nothing if it runs or starts already. `isFormed`: at once, and it serves at once. */
  start(isFormed = false): void {
    if (this.#running !== undefined || this.#starting !== undefined) return;
    if (isFormed) this.#begin(true);
    else this.#starting = this.#options.network.time.after(START_US, () => this.#begin(false));
  }

  /** Starts without data and without its append-only file. */
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
    this.#view = running.member.view;
    this.#data = this.#options.topology.persistence === 'aof' ? running.server.data : undefined;
    running.process.end();
    running.member.close();
    running.server.close();
    this.#options.changed(this);
  }

  /** SIGSTOP. */
  pause(): void {
    this.#running?.process.pause();
    this.#options.changed(this);
  }

  resume(): void {
    this.#running?.process.resume();
    this.#options.changed(this);
  }

  /** Relative to earlier steps. */
  stepClock(byMs: number): void {
    this.#aheadUs += Math.round(byMs * 1_000);
  }

  #begin(isFormed: boolean): void {
    this.#starting = undefined;
    const { topology, planned, network, engine, changed } = this.#options;
    const { nodeTimeoutMs, minReplicasToWrite: count, minReplicasMaxLagMs } = topology;
    const process = new ServerProcess(network.time);
    const place = { region: planned.region, node: this.name };
    const clockUs = () => this.clockUs;
    const nowMs = () => Math.floor(this.clockUs / 1_000);
    const random = this.#random;
    const view = isFormed ? this.#view : this.#view.restarted(nowMs());
    const stored = this.#data;
    const server = new Server({
      ...{ network, engine, process, place, clockUs, random, data: stored ?? new Store() },
      replicaOf: view.self.primary?.name,
      ...(count !== undefined && {
        minReplicas: { count, maxLagS: (minReplicasMaxLagMs ?? 10_000) / 1_000 },
      }),
    });
    const member = new Member({
      ...{ network, process, place, server, view, nodeTimeoutMs, isFormed, nowMs, random },
      changed: () => changed(this),
    });
    server.rules = member;
    const id = `${this.name}-${++this.#starts}`;
    const hadNoData = stored === undefined || stored.size === 0;
    this.#running = {
      ...{ process, server, member, id, hadNoData },
      get isPaused() {
        return process.isPaused;
      },
    };
    changed(this);
  }
}
