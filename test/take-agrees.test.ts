import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type Bucket, fullBucket, take, timeToFullUs } from '../src/core/bucket.ts';
import { makePolicy, type Policy } from '../src/core/policy.ts';
import { makeRandom, type Random } from '../src/core/prng.ts';
import { loadScript } from '../src/limiter/script.ts';
import { type SteppableServer, startSteppableServer } from './support/steppable-server.ts';

/*
 * lua/take.lua on a real server against src/core, to the last quantum. The server's clock is stepped by the
 * preloaded override, not by an injected argument: so the script under test is the one that ships, and key
 * expiry, which runs on the same clock, is tested with it.
 */
const STEPS = 100_000;
const STEPS_PER_POLICY = 100;
const SEED = 20_261_125;

const wholeRate = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom('s', 'min', 'h'))
  .map(([n, unit]) => `${n}/${unit}`);
const fractionalRate = fc
  .tuple(fc.integer({ min: 1, max: 99_999 }), fc.constantFrom('s', '7s', 'min'))
  .map(([n, unit]) => `0.${String(n).padStart(5, '0')}/${unit}`);
const dailyRate = fc.integer({ min: 1, max: 100_000 }).map((n) => `${n}/d`);
const policies = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1_000 })),
    fc.oneof(wholeRate, fractionalRate, dailyRate),
  )
  .map(([capacity, rate]) => makePolicy(capacity, rate));

describe.each(['redis-server', 'valkey-server'])('take on %s', (command) => {
  let server: SteppableServer | undefined;
  afterAll(() => server?.stop());

  it(`agrees with the token math in ${STEPS} steps under clocks that jump both ways`, {
    timeout: 180_000,
  }, async () => {
    server = await startSteppableServer(command);
    const script = loadScript('take');
    await server.client.script('LOAD', script.source);
    const random = makeRandom(SEED, command);
    const seen = { allowed: 0, denied: 0, back: 0, expired: 0 };
    let step = 0;
    for (const policy of fc.sample(policies, { numRuns: STEPS / STEPS_PER_POLICY, seed: SEED })) {
      await walk({ server, sha: script.sha, policy, random, key: `walk:${step}`, seen });
      step += STEPS_PER_POLICY;
    }
    expect(step).toBe(STEPS);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(STEPS / 100); // each case was met often
  });
});

interface Walk {
  readonly server: SteppableServer;
  readonly sha: string;
  readonly policy: Policy;
  readonly random: Random;
  readonly key: string;
  readonly seen: { allowed: number; denied: number; back: number; expired: number };
}

/** Steps the clock, takes, and compares, again and again, on one bucket. */
async function walk({ server, sha, policy, random, key, seen }: Walk): Promise<void> {
  let bucket: Bucket | undefined;
  let offsetUs = Math.floor((random() - 0.5) * 1e12);
  let lastUs = 0;
  for (let step = 0; step < STEPS_PER_POLICY; step++) {
    offsetUs += drawJumpUs(policy, random);
    server.setClockOffsetUs(offsetUs);
    const costTokens = drawCost(policy, random);
    const args = [policy.capacityQuanta, policy.quantaPerUs, costTokens * policy.quantaPerToken];
    const [allowed, levelQuanta, retryAfterUs, nowUs, bucketUs] = (await server.client.evalsha(
      sha,
      1,
      key,
      ...args,
    )) as number[];
    if (nowUs === undefined) throw new Error('no reply');
    if (nowUs < lastUs) seen.back++;
    if (bucket !== undefined && isPastExpiry(bucket, policy, nowUs)) seen.expired++;
    lastUs = nowUs;

    const expected = take(bucket ?? fullBucket(policy, nowUs), policy, { costTokens, nowUs });
    const { result } = expected;
    seen[result.allowed ? 'allowed' : 'denied']++;
    expect([allowed === 1, levelQuanta, retryAfterUs, bucketUs], `${key} step ${step}`).toEqual([
      result.allowed,
      result.levelQuanta,
      result.retryAfterUs,
      result.bucketUs,
    ]);
    if (result.allowed) bucket = expected.bucket;
  }
}

function isPastExpiry(bucket: Bucket, policy: Policy, nowUs: number): boolean {
  return nowUs > bucket.updatedAtUs + timeToFullUs(bucket.levelQuanta, policy) + 2_000_000;
}

/** Mostly forward by a part of the time to full, often by nothing, sometimes far, and every fourth time back. */
function drawJumpUs(policy: Policy, random: Random): number {
  const fullUs = policy.capacityQuanta / policy.quantaPerUs;
  const kind = random();
  if (kind < 0.2) return 0;
  if (kind < 0.7) return Math.floor(random() * random() * fullUs);
  if (kind < 0.75) return Math.floor(fullUs + 3_000_000 + random() * 1e9);
  return -Math.floor(random() * random() * fullUs);
}

function drawCost(policy: Policy, random: Random): number {
  return random() < 0.5 ? 1 : 1 + Math.floor(random() * random() * policy.capacityTokens);
}
