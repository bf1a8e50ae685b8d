import fc from 'fast-check';
import { expect } from 'vitest';
import { type Bucket, fullBucket, take } from '../../src/core/bucket.ts';
import { makePolicy, type Policy } from '../../src/core/policy.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import { timeToFullUs } from '../../src/core/retry-after.ts';
import { loadScript } from '../../src/limiter/redis/script.ts';
import type { SteppableServer } from './steppable-server.ts';

/** How often each kind of step was met. */
export interface WalkCounts {
  allowed: number;
  denied: number;
  back: number;
  expired: number;
}

const STEPS_PER_POLICY = 100;

/** Some 30 years either way: a microsecond since 1970 passes 2^53 in the year 2255. */
export const MOST_OFFSET_US = 1e15;

const wholeRate = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom('s', 'min', 'h'))
  .map(([n, unit]) => `${n}/${unit}`);
const fractionalRate = fc
  .tuple(fc.integer({ min: 1, max: 99_999 }), fc.constantFrom('s', '7s', 'min'))
  .map(([n, unit]) => `0.${String(n).padStart(5, '0')}/${unit}`);
const dailyRate = fc.integer({ min: 1, max: 100_000 }).map((n) => `${n}/d`);
export const policies = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1_000 })),
    fc.oneof(wholeRate, fractionalRate, dailyRate),
  )
  .filter(([capacity, rate]) => isValid(capacity, rate))
  .map(([capacity, rate]) => makePolicy(capacity, rate));

/** Some of the slowest rates need more than the allowed 142 years to fill. */
function isValid(capacity: number, rate: string): boolean {
  try {
    return makePolicy(capacity, rate).capacityTokens === capacity;
  } catch {
    return false;
  }
}

/**
 * Walks `src/core` and the scripts that take, whichever is drawn for a step, side by side through random policies, costs
 * and clocks; throws where they differ.
 */
export async function walkTake({
  server,
  steps,
  seed,
}: {
  server: SteppableServer;
  steps: number;
  seed: number;
}): Promise<WalkCounts> {
  for (const name of ['take', 'take-each', 'take-all'])
    await server.client.script('LOAD', loadScript(name).source);
  const random = makeRandom(seed, 'walk');
  const seen = { allowed: 0, denied: 0, back: 0, expired: 0 };
  for (const [index, policy] of fc.sample(policies, { numRuns: steps / STEPS_PER_POLICY, seed }).entries()) {
    await walk({ server, policy, random, key: `walk:${seed}:${index}`, seen });
  }
  return seen;
}

interface Walk {
  readonly server: SteppableServer;
  readonly policy: Policy;
  readonly random: Random;
  readonly key: string;
  readonly seen: WalkCounts;
}

/** Steps the clock, takes, and compares, again and again, on one bucket. */
async function walk({ server, policy, random, key, seen }: Walk): Promise<void> {
  let bucket: Bucket | undefined;
  let offsetUs = Math.floor((random() - 0.5) * 1e12);
  let lastUs = 0;
  for (let step = 0; step < STEPS_PER_POLICY; step++) {
    offsetUs = within(MOST_OFFSET_US, offsetUs + drawJumpUs(policy, random));
    server.setClockOffsetUs(offsetUs);
    const costTokens = drawCost(policy, random);
    const { capacityQuanta, quantaPerUs, quantaPerToken } = policy;
    const args = [capacityQuanta, quantaPerUs, quantaPerToken, costTokens * quantaPerToken];
    const name = drawScript(random);
    const { allowed, levelQuanta, retryAfterUs, nowUs, bucketUs } = await ASK[name](server, key, args);
    if (nowUs < lastUs) seen.back++;
    if (bucket !== undefined && isPastExpiry(bucket, policy, nowUs)) seen.expired++;
    lastUs = nowUs;

    const expected = take(bucket ?? fullBucket(policy, nowUs), policy, { costTokens, nowUs });
    const { result } = expected;
    seen[result.allowed ? 'allowed' : 'denied']++;
    expect([allowed === 1, levelQuanta, retryAfterUs, bucketUs], `${key} step ${step} by ${name}`).toEqual([
      result.allowed,
      result.levelQuanta,
      result.retryAfterUs,
      result.bucketUs,
    ]);
    if (result.allowed) bucket = expected.bucket;
  }
}

interface Reply {
  readonly allowed: number;
  readonly levelQuanta: number;
  readonly retryAfterUs: number;
  readonly nowUs: number;
  readonly bucketUs: number;
}

type Ask = (server: SteppableServer, key: string, args: readonly number[]) => Promise<Reply>;

/** One take of one key, by each of the scripts that can. */
const ASK: Readonly<Record<'take' | 'take-each' | 'take-all', Ask>> = {
  async take(server, key, args) {
    const [allowed, levelQuanta, retryAfterUs, nowUs, aheadUs] = await evalsha(server, 'take', key, args);
    return { allowed, levelQuanta, retryAfterUs, nowUs, bucketUs: nowUs + aheadUs };
  },
  async 'take-each'(server, key, args) {
    const [nowUs, allowed, levelQuanta, retryAfterUs, aheadUs] = await evalsha(
      server,
      'take-each',
      key,
      args,
    );
    return { allowed, levelQuanta, retryAfterUs, nowUs, bucketUs: nowUs + aheadUs };
  },
  async 'take-all'(server, key, args) {
    const reply = await evalsha(server, 'take-all', key, [0, ...args]);
    const [allowed, , nowUs, bucketUs, levelQuanta, retryAfterUs] = reply;
    return { allowed, levelQuanta, retryAfterUs, nowUs, bucketUs };
  },
};

type SixNumbers = [number, number, number, number, number, number];

async function evalsha(
  { client }: SteppableServer,
  name: string,
  key: string,
  args: readonly number[],
): Promise<SixNumbers> {
  return (await client.evalsha(loaded(name), 1, key, ...args)) as SixNumbers;
}

const shas = new Map<string, string>();

function loaded(name: string): string {
  const sha = shas.get(name) ?? loadScript(name).sha;
  shas.set(name, sha);
  return sha;
}

function drawScript(random: Random): keyof typeof ASK {
  const kind = random();
  return kind < 0.5 ? 'take' : kind < 0.75 ? 'take-each' : 'take-all';
}

export function within(most: number, value: number): number {
  return Math.max(-most, Math.min(most, value));
}

function isPastExpiry(bucket: Bucket, policy: Policy, nowUs: number): boolean {
  return nowUs > bucket.updatedAtUs + timeToFullUs(bucket.levelQuanta, policy) + 2_000_000;
}

/** Mostly forward by a part of the time to full, often by nothing, sometimes far, and every fourth time back. */
export function drawJumpUs(policy: Policy, random: Random): number {
  const fullUs = policy.capacityQuanta / policy.quantaPerUs;
  const kind = random();
  if (kind < 0.2) return 0;
  if (kind < 0.7) return Math.floor(random() * random() * fullUs);
  if (kind < 0.75) return Math.floor(fullUs + 3_000_000 + random() * 1e9);
  return -Math.floor(random() * random() * fullUs);
}

export function drawCost(policy: Policy, random: Random): number {
  return random() < 0.5 ? 1 : 1 + Math.floor(random() * random() * policy.capacityTokens);
}
