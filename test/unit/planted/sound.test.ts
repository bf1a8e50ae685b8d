import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../../src/checker/check.ts';
import { type Bucket, fullBucket, refill } from '../../../src/core/bucket.ts';
import { makePolicy, type Policy } from '../../../src/core/policy.ts';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import { parsePromise } from '../../../src/core/promise.ts';
import { headerOf, historyOf, type OperationPart } from '../../support/history.ts';
import { accuseReplicated } from './verdict.ts';

const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
const SEEDS = Array.from({ length: 150 }, (_, at) => at + 1);

/** The interval in which something that happened at `atUs` was seen. */
function around(random: Random, atUs: number, widthUs: number) {
  return {
    invokedUs: atUs - Math.floor(random() * random() * widthUs),
    completedUs: atUs + Math.floor(random() * random() * widthUs),
  };
}

describe('an acked limiter on nodes that fail over, with any requests,', () => {
  it('is accused of nothing', () => {
    const seen = { allowed: 0, denied: 0, info: 0, judged: 0, replayed: 0 };
    for (const seed of SEEDS.concat(SEEDS.map((seed) => 150 + seed))) {
      const { report, ...accusation } = accuseReplicated(seed);
      expect({ seed, ...accusation }).toEqual({
        seed,
        overAdmission: false,
        falseDenial: false,
        replay: false,
      });
      seen.allowed += report.outcomes.allowed;
      seen.denied += report.outcomes.denied;
      seen.info += report.outcomes.info;
      seen.judged += report.falseDenials.judged;
      seen.replayed += report.replay.replayed;
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(5_000);
  });
});

describe('buckets with refunds, resets and decisions over several of them', () => {
  it('are accused of nothing', () => {
    const seen = { denied: 0, refunds: 0, several: 0 };
    for (const seed of SEEDS) {
      const report = checkHistory(runBuckets(seed, seen), RULES);
      expect({ seed, over: report.overAdmission.buckets, denials: report.falseDenials.total }).toEqual({
        seed,
        over: 0,
        denials: 0,
      });
    }
    expect(Object.values(seen).every((count) => count > 1_000)).toBe(true);
  });
});

/** Two exact buckets of different policies that are charged alone or together, refunded and reset. */
function runBuckets(seed: number, seen: { denied: number; refunds: number; several: number }) {
  const random = makeRandom(seed, 'sound');
  const policies: Record<string, Policy> = { x: makePolicy(4, '1/ms'), y: makePolicy(7, '3/2ms') };
  const levels = new Map<string, Bucket>(
    Object.entries(policies).map(([name, policy]) => [name, fullBucket(policy, 0)]),
  );
  const parts: OperationPart[] = [];
  const resets: { type: 'event'; event: string; atUs: number; args: { bucket: string } }[] = [];
  const change = (name: string, nowUs: number, tokens: number) => {
    const policy = policies[name] as Policy;
    const { levelQuanta, updatedAtUs } = refill(levels.get(name) as Bucket, policy, nowUs);
    const changed = levelQuanta + tokens * policy.quantaPerToken;
    if (changed < 0) return false;
    levels.set(name, { levelQuanta: Math.min(policy.capacityQuanta, changed), updatedAtUs });
    return true;
  };
  let nowUs = 10_000;
  for (let index = 0; index < 200; index++) {
    nowUs += Math.floor(random() * 700);
    const interval = around(random, nowUs, 3_000);
    const name = random() < 0.5 ? 'x' : 'y';
    const kind = random();
    if (kind < 0.05) {
      resets.push({ type: 'event', event: 'reset', atUs: nowUs, args: { bucket: `${name} (${name})` } });
      change(name, nowUs, 100);
    } else if (kind < 0.15) {
      seen.refunds++;
      change(name, nowUs, 1);
      parts.push({ ...interval, bucket: name, policy: name, cost: -1 });
    } else if (kind < 0.5) {
      seen.several++;
      const isAllowed = change('x', nowUs, -1) && (change('y', nowUs, -2) || !change('x', nowUs, 1));
      parts.push({
        ...interval,
        charges: [
          { bucket: 'x', policy: 'x', cost: 1 },
          { bucket: 'y', policy: 'y', cost: 2 },
        ],
        outcome: isAllowed ? 'allowed' : 'denied',
      });
      if (!isAllowed) seen.denied++;
    } else {
      const isAllowed = change(name, nowUs, -1);
      if (!isAllowed) seen.denied++;
      parts.push({ ...interval, bucket: name, policy: name, outcome: isAllowed ? 'allowed' : 'denied' });
    }
  }
  const records = Object.entries(policies).map(([name, { capacityTokens, refill: rate }]) => [
    name,
    { capacity: capacityTokens, refill: rate },
  ]);
  return historyOf(parts, {
    header: { ...headerOf(), policies: Object.fromEntries(records) },
    records: resets,
  });
}

describe('limiters that promise a window and keep it', () => {
  it.each([
    {
      promise: 'fixed-window:5/1ms:epoch',
      decide: fixedWindow((nowUs) => Math.floor(nowUs / 1_000) * 1_000),
    },
    {
      promise: 'fixed-window:5/1ms',
      decide: fixedWindow((nowUs) => Math.floor((nowUs + 317) / 1_000) * 1_000 - 317),
    },
    { promise: 'fixed-window:5/1ms:first', decide: fixedWindow((nowUs) => nowUs) },
    { promise: 'fixed-window:5/1ms', decide: fixedWindow((nowUs) => nowUs) },
    { promise: 'sliding-window:5/1ms', decide: slidingLog() },
  ])('of $promise are accused of nothing', ({ promise, decide }) => {
    let denied = 0;
    for (const seed of SEEDS) {
      const random = makeRandom(seed, 'windows');
      const limiter = decide();
      const widthUs = [1, 300, 3_000][seed % 3] as number;
      const parts: OperationPart[] = [];
      let nowUs = 10_000;
      for (let index = 0; index < 200; index++) {
        nowUs += Math.floor(random() * random() * 300);
        const isAllowed = limiter(nowUs);
        if (!isAllowed) denied++;
        parts.push({ ...around(random, nowUs, widthUs), outcome: isAllowed ? 'allowed' : 'denied' });
      }
      const report = checkHistory(historyOf(parts), { ...RULES, promise: parsePromise(promise) });
      expect({ seed, total: report.windows.total }).toEqual({ seed, total: 0 });
    }
    expect(denied).toBeGreaterThan(1_000);
  });
});

/** Five in each window of a millisecond; `startOf` says when the window begins that this operation opens. */
function fixedWindow(startOf: (nowUs: number) => number) {
  return () => {
    let [startUs, used] = [Number.NEGATIVE_INFINITY, 0];
    return (nowUs: number) => {
      if (nowUs >= startUs + 1_000) [startUs, used] = [startOf(nowUs), 0];
      return ++used <= 5;
    };
  };
}

function slidingLog() {
  return () => {
    let log: number[] = [];
    return (nowUs: number) => {
      log = log.filter((atUs) => atUs > nowUs - 1_000);
      return log.length < 5 && log.push(nowUs) > 0;
    };
  };
}
