import { parsePolicy } from '../../../src/core/policy.ts';
import { createLimiter, type LimiterOptions } from '../../../src/limiter/create.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import { FailingPrimary } from '../failing-primary.ts';
import type { RedisProxy } from '../redis-proxy.ts';
import { changing, type Mistake } from '../reservations/rig.ts';
import { asCluster, Regions, sourceOf, TABLE } from './two-homes.ts';

export interface MoveRigOptions {
  readonly command: string;
  readonly policy: string;
  readonly replicas: number;
  /** Whether the strategy is `acked`, else `central`. Default: if there are replicas. */
  readonly isAcked?: boolean;
  readonly processes: number;
  /** Whether the strategy is `lease`. */
  readonly lends?: boolean;
  readonly mistake?: Mistake;
}

const TIMEOUT_MS = 1_500;
const LEASE = { leaseMs: 400, marginMs: 200 };
const same: Mistake = (script) => script;

/** A process: its limiter, and what its `regionOf` answers. */
export interface Process {
  readonly limiter: Limiter;
  readonly regions: Regions;
}

/** Two regions whose primaries can fail over, and processes that reach each by a proxy that can lose replies. */
export class MoveRig {
  readonly #options: MoveRigOptions;
  readonly sides: readonly [FailingPrimary, FailingPrimary];
  readonly processes: Process[] = [];

  constructor(options: MoveRigOptions) {
    this.#options = options;
    this.sides = [new FailingPrimary(options.command), new FailingPrimary(options.command)];
  }

  get policy() {
    return parsePolicy(this.#options.policy);
  }

  get proxies(): readonly RedisProxy[] {
    return this.sides.flatMap(({ proxies }) => [...proxies]);
  }

  async start(): Promise<void> {
    const { replicas, processes, isAcked = replicas > 0, lends, mistake = same, policy } = this.#options;
    await Promise.all(this.sides.map((side) => side.start({ replicas, proxies: processes })));
    for (let i = 0; i < processes; i++) {
      const regions = new Regions();
      const [east, west] = this.sides.map(({ proxies }) =>
        changing(sourceOf('ioredis', proxies[i]?.port ?? 0, TIMEOUT_MS), mistake),
      );
      if (east === undefined || west === undefined) continue;
      const limiter = createLimiter({
        ...(lends ? { strategy: 'lease', replicas, lease: LEASE } : {}),
        ...(!lends && isAcked ? { strategy: 'acked', replicas } : {}),
        ...{ policy, redis: asCluster(east, west), prefix: 'p' },
        homes: { ...TABLE, regionOf: regions.regionOf },
      } as LimiterOptions);
      this.processes.push({ limiter, regions });
    }
    await Promise.all(this.processes.map(({ limiter }) => limiter.ready()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map(({ limiter }) => limiter.close()));
    await Promise.all(this.sides.map((side) => side.stop()));
  }
}
