import fc from 'fast-check';
import { expect } from 'vitest';
import { type Bucket, fullBucket, refill, takeAll } from '../../src/core/bucket.ts';
import type { Policy } from '../../src/core/policy.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import { loadScript } from '../../src/limiter/redis/script.ts';
import { refund } from './refund.ts';
import type { SteppableServer } from './steppable-server.ts';
import { drawCost, drawJumpUs, MOST_OFFSET_US, policies, within } from './take-walk.ts';

const STEPS_PER_KEY = 50;

/** How often each kind of step was met. */
export interface SeveralCounts {
  allowed: number;
  denied: number;
  refunded: number;
  peeked: number;
}

/**
 * Compares take-all, refund and peek of one to three policies with `src/core`, to the last quantum; throws where they
 * differ.
 */
export async function walkSeveral({
  server,
  steps,
  seed,
}: {
  server: SteppableServer;
  steps: number;
  seed: number;
}): Promise<SeveralCounts> {
  const several = fc.array(policies, { minLength: 1, maxLength: 3 });
  const random = makeRandom(seed, 'several');
  const counts = { allowed: 0, denied: 0, refunded: 0, peeked: 0 };
  const scripts = new Map<string, string>();
  for (const name of ['take-all', 'refund', 'peek']) {
    const { source, sha } = loadScript(name);
    await server.client.script('LOAD', source);
    scripts.set(name, sha);
  }
  for (const [index, drawn] of fc.sample(several, { numRuns: steps / STEPS_PER_KEY, seed }).entries()) {
    const key = `several:${seed}:${index}`;
    const run = async (name: string, args: readonly number[]) =>
      (await server.client.evalsha(scripts.get(name) ?? '', 1, key, ...args)) as number[];
    await new Walk({ server, policies: drawn, random, counts, key, run }).steps(STEPS_PER_KEY);
  }
  return counts;
}

class Walk {
  readonly #server: SteppableServer;
  readonly #policies: readonly Policy[];
  readonly #random: Random;
  readonly #counts: SeveralCounts;
  readonly #key: string;
  readonly #run: (name: string, args: readonly number[]) => Promise<number[]>;
  #buckets: readonly Bucket[] | undefined;
  #offsetUs = 0;

  constructor(parts: {
    server: SteppableServer;
    policies: readonly Policy[];
    random: Random;
    counts: SeveralCounts;
    key: string;
    run: (name: string, args: readonly number[]) => Promise<number[]>;
  }) {
    this.#server = parts.server;
    this.#policies = parts.policies;
    this.#random = parts.random;
    this.#counts = parts.counts;
    this.#key = parts.key;
    this.#run = parts.run;
  }

  async steps(count: number): Promise<void> {
    for (let step = 0; step < count; step++) {
      const [policy] = this.#policies;
      const jumpUs = policy === undefined ? 0 : drawJumpUs(policy, this.#random);
      this.#offsetUs = within(MOST_OFFSET_US, this.#offsetUs + jumpUs);
      this.#server.setClockOffsetUs(this.#offsetUs);
      const kind = this.#random();
      if (kind < 0.7) await this.#take();
      else if (kind < 0.85) await this.#refund();
      else await this.#peek();
    }
  }

  async #take(): Promise<void> {
    const costs = this.#policies.map((policy) => drawCost(policy, this.#random));
    const [allowed, , nowUs = 0, bucketUs, ...parts] = await this.#run('take-all', [0, ...this.#args(costs)]);
    const buckets = this.#known(nowUs);
    const charges = this.#policies.map((policy, i) => ({
      policy,
      bucket: buckets[i] ?? fullBucket(policy, nowUs),
      costTokens: costs[i] ?? 0,
    }));
    const want = takeAll(charges, nowUs);
    this.#counts[want.allowed ? 'allowed' : 'denied']++;
    expect([allowed, bucketUs, ...parts]).toEqual([
      want.allowed ? 1 : 0,
      want.taken[0]?.result.bucketUs,
      ...want.taken.flatMap(({ result }) => [result.levelQuanta, result.retryAfterUs]),
    ]);
    if (want.allowed) this.#buckets = want.taken.map(({ bucket }) => bucket);
  }

  async #refund(): Promise<void> {
    const amounts = this.#policies.map((policy) => drawCost(policy, this.#random));
    const [nowUs = 0, , ...levels] = await this.#run('refund', [0, ...this.#args(amounts)]);
    const given = this.#known(nowUs).map((bucket, i) =>
      refund(bucket, this.#policies[i] as Policy, { tokens: amounts[i] ?? 0, nowUs }),
    );
    expect(levels).toEqual(given.map(({ levelQuanta }) => levelQuanta));
    if (this.#buckets !== undefined) this.#buckets = given;
    await this.#forgetExpired();
    this.#counts.refunded++;
  }

  async #peek(): Promise<void> {
    const [nowUs = 0, , ...levels] = await this.#run(
      'peek',
      this.#policies.flatMap(({ capacityQuanta, quantaPerUs, quantaPerToken }) => [
        capacityQuanta,
        quantaPerUs,
        quantaPerToken,
      ]),
    );
    const now = this.#known(nowUs).map((bucket, i) => refill(bucket, this.#policies[i] as Policy, nowUs));
    expect(levels).toEqual(now.map(({ levelQuanta }) => levelQuanta));
    await this.#forgetExpired();
    this.#counts.peeked++;
  }

  /** A take of an expired key creates it again; after these it is gone, also when the clock then steps back. */
  async #forgetExpired(): Promise<void> {
    if ((await this.#server.client.exists(this.#key)) === 0) this.#buckets = undefined;
  }

  #known(nowUs: number): readonly Bucket[] {
    return this.#buckets ?? this.#policies.map((policy) => fullBucket(policy, nowUs));
  }

  #args(tokens: readonly number[]): number[] {
    return this.#policies.flatMap(({ capacityQuanta, quantaPerUs, quantaPerToken }, i) => [
      capacityQuanta,
      quantaPerUs,
      quantaPerToken,
      (tokens[i] ?? 0) * quantaPerToken,
    ]);
  }
}
