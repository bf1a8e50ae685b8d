import { makeRandom, type Random } from '../../core/prng.ts';
import type { Timer } from '../../core/time.ts';
import type { NodeRole } from '../../regions/cluster/role-watch.ts';
import type { PlannedNode } from '../../topology/planned-node.ts';
import type { Topology } from '../../topology/topology.ts';
import type { Network } from '../network.ts';
import type { ScriptEngine } from '../scripts/engine.ts';
import { Store } from '../scripts/store.ts';
import { ServerProcess } from './process.ts';
import type { WatchedNode } from './role-events.ts';
import type { Server, ServerOptions } from './server.ts';

export interface LifeOptions {
  readonly topology: Topology;
  readonly planned: PlannedNode;
  readonly network: Network;
  readonly engine: ScriptEngine;
  readonly seed: number | string;
  readonly onCall?: () => void;
}

/** One process of a node. */
export interface Life {
  readonly process: ServerProcess;
  readonly server: Server;
  readonly id: string;
  readonly hadNoData: boolean;
  readonly isPaused: boolean;
}

/** A node of any topology: its clock, what it stored, and the process that runs, if one does. */
export abstract class NodeLife<Running extends Life> implements WatchedNode {
  readonly name: string;
  protected readonly random: Random;
  readonly #options: LifeOptions;
  readonly #startUs: number;
  #running: Running | undefined;
  #starting: Timer | undefined;
  #data: Store | undefined;
  #aheadUs = 0;
  #starts = 0;

  /** `startUs` is from the start of a server until it listens, little data included. */
  constructor(options: LifeOptions, startUs: number) {
    this.#options = options;
    this.#startUs = startUs;
    this.name = options.planned.name;
    this.random = makeRandom(options.seed, `node ${this.name}`);
  }

  abstract get role(): NodeRole;
  abstract get serves(): boolean;

  /** Makes what runs in this process. `isFirst`: as the topology plans it, without a start before. */
  protected abstract begin(
    server: Omit<ServerOptions, 'replicaOf'>,
    isFirst: boolean,
  ): Omit<Running, 'process' | 'id' | 'hadNoData' | 'isPaused'>;

  /** Closes what `begin` opened besides the server. */
  protected abstract close(running: Running): void;

  /** It began, ended, stopped or went on. */
  protected abstract changed(): void;

  get running(): Running | undefined {
    return this.#running;
  }

  /** Microseconds since 1970 by its clock. */
  get clockUs(): number {
    return this.#options.network.time.dateUs() + this.#aheadUs;
  }

  /** Starts with what it stored. Does nothing if it runs or starts already. `isFirst`: at once, and it serves at once. */
  start(isFirst = false): void {
    if (this.#running !== undefined || this.#starting !== undefined) return;
    if (isFirst) this.#begin(true);
    else this.#starting = this.#options.network.time.after(this.#startUs, () => this.#begin(false));
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
    this.#data = this.#options.topology.persistence === 'aof' ? running.server.data : undefined;
    running.process.end();
    this.close(running);
    running.server.close();
    this.changed();
  }

  /** SIGSTOP. */
  pause(): void {
    this.#running?.process.pause();
    this.changed();
  }

  resume(): void {
    this.#running?.process.resume();
    this.changed();
  }

  /** Relative to earlier steps. */
  stepClock(byMs: number): void {
    this.#aheadUs += Math.round(byMs * 1_000);
  }

  #begin(isFirst: boolean): void {
    this.#starting = undefined;
    const { topology, planned, network, engine, onCall } = this.#options;
    const { minReplicasToWrite: count, minReplicasMaxLagMs } = topology;
    const process = new ServerProcess(network.time);
    const stored = this.#data;
    const made = this.begin(
      {
        ...{ network, engine, process, random: this.random, data: stored ?? new Store() },
        place: { region: planned.region, node: this.name },
        clockUs: () => this.clockUs,
        ...(onCall && { onCall }),
        ...(count !== undefined && {
          minReplicas: { count, maxLagS: (minReplicasMaxLagMs ?? 10_000) / 1_000 },
        }),
      },
      isFirst,
    );
    const life = {
      ...{ process, id: `${this.name}-${++this.#starts}` },
      hadNoData: stored === undefined || stored.size === 0,
      get isPaused() {
        return process.isPaused;
      },
    };
    // A copy would lose the getter.
    this.#running = Object.assign(life, made) as unknown as Running;
    this.changed();
  }
}
