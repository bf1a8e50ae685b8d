import type { Policy } from '../../../src/core/policy.ts';
import type { Random } from '../../../src/core/prng.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import { bucketKey } from '../../../src/limiter/options/key.ts';
import type { SteppableServer } from '../steppable-server.ts';
import { SharedBucket, type Step } from './shared-bucket.ts';
import { jumpUs } from './walk.ts';

/** A limiter of several policies, in their order. */
export interface SeveralVersion {
  readonly policies: readonly Policy[];
  readonly limiter: Limiter;
}

/**
 * Two versions of a limiter of as many policies take from one subject by turns while time passes; each level is compared
 * with the exact model of its place. Returns how many were allowed and denied. Throws at the first that differs.
 */
export async function walkSeveralPolicies(
  server: SteppableServer,
  [one, other]: readonly [SeveralVersion, SeveralVersion],
  { user, steps, random }: { user: string; steps: number; random: Random },
): Promise<{ allowed: number; denied: number }> {
  const subject = { user, endpoint: 'several' };
  const key = bucketKey('rate:openclaw', subject);
  const buckets = one.policies.map((policy, i) => new SharedBucket([policy, other.policies[i] as Policy]));
  const counts = { allowed: 0, denied: 0 };
  let offsetUs = 0;
  for (let i = 0; i < steps; i++) {
    offsetUs += jumpUs(random() < 0.5 ? one.policies : other.policies, random);
    server.setClockOffsetUs(offsetUs);
    const ttlMs = await server.client.pttl(key);
    if (ttlMs >= 0 && ttlMs < 500) continue; // it could expire before the next call
    const { policies, limiter } = random() < 0.5 ? one : other;
    const costs = policies.map(({ capacityTokens }) => 1 + Math.floor(random() ** 3 * capacityTokens));
    const cost = Object.fromEntries(costs.map((tokens, place) => [`p${place}`, tokens]));
    const { allowed, evidence, policies: parts = [] } = await limiter.take(subject, { cost });
    const { atUs = 0, bucketUs = 0 } = evidence;
    counts[allowed ? 'allowed' : 'denied']++;
    const found = parts.map(({ levelQuanta = 0 }, place): Step => {
      const at = {
        policy: policies[place] as Policy,
        tokens: costs[place] ?? 0,
        atUs,
        bucketUs,
        levelQuanta,
      };
      return { ...at, kind: allowed ? 'take' : 'peek', allowed: true };
    });
    const isDue = found.some(
      ({ policy, tokens, levelQuanta }) => levelQuanta < tokens * policy.quantaPerToken,
    );
    if (!allowed && !isDue) throw new Error(`${user}, step ${i}: denied without a reason`);
    for (const [place, step] of found.entries()) {
      const isExpired = ttlMs === -2;
      const wrong = buckets[place]?.contradiction(step, { isExpired });
      if (wrong !== undefined) throw new Error(`${user}, step ${i}, policy ${place}: ${wrong}`);
      buckets[place]?.apply(step, { isExpired });
    }
  }
  return counts;
}
