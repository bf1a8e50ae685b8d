import type { Policy } from '../../../src/core/policy.ts';
import type { Random } from '../../../src/core/prng.ts';
import { levelNow, readStored } from '../../../src/limiter/inspect/stored.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import { bucketKey } from '../../../src/limiter/options/key.ts';
import type { SteppableServer } from '../steppable-server.ts';
import { SharedBucket, type Step, stepOfLevel } from './shared-bucket.ts';

/** Limiters of one policy on one prefix: one that sends single takes, and one that batches them. */
export interface Version {
  readonly policy: Policy;
  readonly single: Limiter;
  readonly batched: Limiter;
}

/** How often each kind of step was met in a walk. */
export interface WalkCounts {
  allowed: number;
  denied: number;
  refunded: number;
  peeked: number;
  expired: number;
  changes: number;
}

/** A year in total, so that the server's time stays exact in every unit. */
const LONGEST_JUMP_US = 1e12;

/**
 * Two versions of a limiter take, give back and look at one bucket by turns while time passes; each level is compared with
 * the exact model. Throws at the first that differs.
 */
export async function walkPair(
  server: SteppableServer,
  [one, other]: readonly [Version, Version],
  { user, steps, random, counts }: { user: string; steps: number; random: Random; counts: WalkCounts },
): Promise<void> {
  const subject = { user, endpoint: 'change' };
  const key = bucketKey('rate:openclaw', subject);
  const bucket = new SharedBucket([one.policy, other.policy]);
  let offsetUs = 0;
  for (let i = 0; i < steps; i++) {
    offsetUs += jumpUs([one.policy, other.policy], random);
    server.setClockOffsetUs(offsetUs);
    const ttlMs = await server.client.pttl(key);
    if (ttlMs >= 0 && ttlMs < 500) continue; // it could expire before the next call
    const isExpired = ttlMs === -2;
    if (isExpired && bucket.expiresAtUs !== undefined) counts.expired++;
    const value = await server.client.getBuffer(key);
    const step = await act(random() < 0.5 ? one : other, { subject, random, id: `${i}` });
    const wrong = bucket.contradiction(step, { isExpired });
    const shown = levelShown(value, step);
    if (wrong !== undefined || (step.kind === 'peek' && shown !== step.levelQuanta))
      throw new Error(`${user}, step ${i}, ${step.kind} ${step.tokens}: ${wrong ?? `inspect says ${shown}`}`);
    try {
      bucket.apply(step, { isExpired });
    } catch (error) {
      throw new Error(`${user}, step ${i}, ${step.kind} ${step.tokens}`, { cause: error });
    }
    count(step, counts);
  }
  counts.changes += bucket.changes;
}

async function act(
  { policy, single, batched }: Version,
  { subject, random, id }: { subject: { user: string; endpoint: string }; random: Random; id: string },
): Promise<Step> {
  const tokens = 1 + Math.floor(random() ** 3 * policy.capacityTokens);
  const kind = random();
  if (kind < 0.7) {
    const limiter = kind < 0.2 ? batched : single;
    const options = kind < 0.4 ? { cost: tokens, decisionId: `take-${id}` } : { cost: tokens };
    const { allowed, evidence } = await limiter.take(subject, kind < 0.2 ? { cost: tokens } : options);
    const { atUs = 0, bucketUs = 0, levelQuanta = 0 } = evidence;
    return { kind: 'take', policy, tokens, allowed, atUs, bucketUs, levelQuanta };
  }
  const isRefund = kind < 0.9;
  const level = isRefund
    ? await single.refund(subject, { cost: tokens, decisionId: `refund-${id}` })
    : await single.peek(subject);
  return stepOfLevel({ kind: isRefund ? 'refund' : 'peek', policy, tokens }, level);
}

/** The level that `inspect` shows at the time of this step. */
function levelShown(value: Buffer | null, { policy, atUs }: Step): number | undefined {
  const stored = readStored({ value, fields: [null, null], ttlMs: value === null ? -2 : 1 });
  return levelNow(stored, [policy], { nodeUs: atUs, serviceUs: atUs, ttlMs: -1 })?.levelQuanta;
}

function count({ kind, allowed }: Step, counts: WalkCounts): void {
  if (kind === 'refund') counts.refunded++;
  else if (kind === 'peek') counts.peeked++;
  else counts[allowed ? 'allowed' : 'denied']++;
}

/** Often nothing; a part of the time to full of one of the policies; sometimes so long that the key expires. */
export function jumpUs(policies: readonly Policy[], random: Random): number {
  const times = policies.map(({ capacityQuanta, quantaPerUs }) => capacityQuanta / quantaPerUs);
  const fullUs = (random() < 0.5 ? times[0] : times[1]) ?? 0;
  const kind = random();
  if (kind < 0.3) return 0;
  if (kind < 0.9) return Math.floor(Math.min(LONGEST_JUMP_US, random() ** 3 * fullUs));
  return Math.floor(Math.min(LONGEST_JUMP_US, fullUs + 3_000_000));
}
