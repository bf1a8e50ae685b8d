import { setTimeout as sleep } from 'node:timers/promises';
import type { Policy } from '../../../src/core/policy.ts';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import { createLimiter } from '../../../src/limiter/create.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import type { RegionView } from '../../../src/regions/provider.ts';
import { SharedBucket, type Step, stepOfLevel } from './shared-bucket.ts';

export interface Change {
  readonly before: Policy;
  readonly after: Policy;
}

/** What all decisions of one change were, by user, and how many calls failed. */
interface Recorded {
  readonly steps: Map<string, Step[]>;
  failures: number;
}

const USERS = 8;
const WORKERS = 2;
const LONGEST_PAUSE_MS = 6;
const ALONE_MS = 500;
/** How many decisions each part of a change has at least, however slow the machine is. */
const LEAST_PER_PART = 60;
/** How far a key's expiry in whole milliseconds, at the server's own pace, can be from the exact one. */
const EXPIRY_SLACK_US = 50_000;

/**
 * Replaces the instances of a service one after the other, one in each region, while all of them take, give back and look:
 * first every instance has the policy of before; then for this long, and for enough decisions, both are in use side by
 * side; then the policy of after.
 */
export async function rollOut(
  { before, after }: Change,
  {
    views,
    prefix,
    seconds,
    seed,
  }: { views: readonly RegionView[]; prefix: string; seconds: number; seed: number },
): Promise<Recorded> {
  const recorded: Recorded = { steps: new Map(), failures: 0 };
  const run = (view: RegionView, policy: Policy, stop: AbortSignal, name: string) =>
    runInstance({ view, policy, prefix, stop, recorded, random: makeRandom(seed, name) });
  const stops = views.map(() => new AbortController());
  const ended = views.map((view, i) => run(view, before, stops[i]?.signal as AbortSignal, `before ${i}`));
  const last = new AbortController();
  const part = async (ms: number) => {
    const until = countOf(recorded) + LEAST_PER_PART;
    await sleep(ms);
    while (countOf(recorded) < until) await sleep(LONGEST_PAUSE_MS);
  };
  await part(ALONE_MS);
  const betweenMs = (seconds * 1_000) / (views.length - 1);
  for (const [i, view] of views.entries()) {
    stops[i]?.abort();
    ended.push(run(view, after, last.signal, `after ${i}`));
    await part(i + 1 < views.length ? betweenMs : ALONE_MS);
  }
  last.abort();
  await Promise.all(ended);
  return recorded;
}

function countOf({ steps, failures }: Recorded): number {
  let count = failures;
  for (const each of steps.values()) count += each.length;
  return count;
}

interface Instance {
  readonly view: RegionView;
  readonly policy: Policy;
  readonly prefix: string;
  readonly stop: AbortSignal;
  readonly recorded: Recorded;
  readonly random: Random;
}

async function runInstance(instance: Instance): Promise<void> {
  const { view, policy, prefix, stop, recorded, random } = instance;
  const { seeds, localAddress } = view;
  const limiter = createLimiter({
    policy,
    prefix,
    redis: {
      urls: seeds.map(({ host, port }) => `redis://${host}:${port}`),
      cluster: true,
      commandTimeoutMs: 10_000,
      ...(localAddress !== undefined && { localAddress }),
    },
  });
  const work = async () => {
    while (!stop.aborted) {
      const user = `u${Math.floor(random() * USERS)}`;
      try {
        const step = await act(limiter, { user, policy, random });
        const steps = recorded.steps.get(user);
        if (steps === undefined) recorded.steps.set(user, [step]);
        else steps.push(step);
      } catch {
        recorded.failures++;
      }
      await sleep(random() * LONGEST_PAUSE_MS);
    }
  };
  await limiter.ready();
  await Promise.all(Array.from({ length: WORKERS }, work));
  await limiter.close();
}

async function act(
  limiter: Limiter,
  { user, policy, random }: { user: string; policy: Policy; random: Random },
): Promise<Step> {
  const subject = { user, endpoint: 'change' };
  const tokens = 1 + Math.floor(random() ** 4 * Math.min(policy.capacityTokens, 20));
  const kind = random();
  if (kind < 0.85) {
    const { allowed, evidence } = await limiter.take(subject, { cost: tokens });
    const { atUs = 0, bucketUs = 0, levelQuanta = 0 } = evidence;
    return { kind: 'take', policy, tokens, allowed, atUs, bucketUs, levelQuanta };
  }
  const isRefund = kind < 0.95;
  const level = isRefund ? await limiter.refund(subject, { cost: tokens }) : await limiter.peek(subject);
  return stepOfLevel({ kind: isRefund ? 'refund' : 'peek', policy, tokens }, level);
}

/** What the replay of a change found. */
export interface Replayed {
  decisions: number;
  admittedTokens: number;
  /** Writes whose policy had another unit than the value they found. */
  changes: number;
  /** What was admitted beyond an ideal bucket of the largest capacity and rate. */
  excessTokens: number;
  /** The most that a decision lost, in quanta of the coarser policy. */
  lostQuanta: number;
}

/** Replays each bucket's decisions in the order of its own time. Throws at the first that the exact model contradicts. */
export function replay({ before, after }: Change, { steps: byUser }: Recorded): Replayed {
  const found = { decisions: 0, admittedTokens: 0, changes: 0, excessTokens: 0, lostQuanta: 0 };
  for (const [user, steps] of byUser) {
    const bucket = new SharedBucket([before, after]);
    const left = steps.toSorted((a, b) => a.bucketUs - b.bucketUs);
    while (left.length > 0) {
      const next = takeNext(bucket, left);
      if (next === undefined)
        throw new Error(`${user}: ${JSON.stringify(left[0])}: ${why(bucket, left[0] as Step)}`);
      bucket.apply(next.step, next);
      if (next.step.kind === 'take' && next.step.allowed) found.admittedTokens += next.step.tokens;
    }
    found.decisions += steps.length;
    found.changes += bucket.changes;
    found.excessTokens = Math.max(found.excessTokens, bucket.excessTokens);
    found.lostQuanta = Math.max(found.lostQuanta, bucket.lostQuanta);
  }
  return found;
}

/** Removes the first of the steps of one moment that follows; those of a moment have no other order. */
function takeNext(bucket: SharedBucket, left: Step[]): { step: Step; isExpired: boolean } | undefined {
  const atUs = left[0]?.bucketUs ?? 0;
  for (let i = 0; i < left.length && left[i]?.bucketUs === atUs; i++)
    for (const isExpired of expiredOrNot(bucket, atUs)) {
      const step = left[i] as Step;
      if (bucket.contradiction(step, { isExpired }) !== undefined) continue;
      left.splice(i, 1);
      return { step, isExpired };
    }
  return undefined;
}

function expiredOrNot({ expiresAtUs = Number.POSITIVE_INFINITY }: SharedBucket, atUs: number): boolean[] {
  if (atUs < expiresAtUs - EXPIRY_SLACK_US) return [false];
  return atUs > expiresAtUs + EXPIRY_SLACK_US ? [true] : [false, true];
}

function why(bucket: SharedBucket, step: Step): string | undefined {
  return bucket.contradiction(step, { isExpired: false });
}
