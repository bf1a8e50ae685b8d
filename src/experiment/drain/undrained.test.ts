import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../core/policy.ts';
import { makeRandom, type Random } from '../../core/prng.ts';
import { parsePromise } from '../../core/promise.ts';
import { bucketOf } from '../../load/target.ts';
import { parseScenario } from '../../scenario/parse.ts';
import type { LoadPlan } from '../../scenario/plan.ts';
import { busiestBuckets } from '../plan-file.ts';
import { usersOf } from '../play-run.ts';
import { type PlannedLoad, plannedRequests } from './planned-demand.ts';
import { undrained } from './undrained.ts';

interface Written {
  readonly policy?: string;
  readonly policies?: Readonly<Record<string, string>>;
  readonly promise?: string;
  readonly load: object;
  readonly faults?: readonly object[];
  readonly claims?: readonly string[];
  readonly regions?: readonly string[];
  readonly scenario?: string;
}

const CLAIMS = ['total-excess <= 0', 'contested >= 80%'];

function loadOf({
  promise,
  scenario,
  regions = ['a'],
  load,
  claims = CLAIMS,
  ...written
}: Written): PlannedLoad {
  const topology = { regions, replicas: 0, kind: 'single' };
  const mode = 'rate' in load ? 'open' : 'closed';
  const text = JSON.stringify({ ...written, topology, claims, load: { mode, duration: '20s', ...load } });
  const plan = parseScenario(`# why\n${text}`, { file: 'mine.yaml' });
  return {
    plan: { ...plan, ...(scenario !== undefined && { scenario }) },
    ...(promise !== undefined && { promise: parsePromise(promise) }),
  };
}

/** As README and docs/audit.md showed them. */
const SHOWN = { policy: '100:10/s', scenario: 'audit' };

describe('what a load cannot drain', () => {
  it.each([
    {
      title: 'none of many users',
      written: { ...SHOWN, load: { rate: 50 } },
      says: 'this load can drain none of its 100 busiest buckets, and contested >= 80% needs 80: the busiest is asked for 57 tokens in 20 s (2.9 a second), and 100:10/s admits 300; use --users 2, or --rate 5000',
    },
    {
      title: 'one of some',
      written: { ...SHOWN, load: { rate: 100, users: 20 } },
      says: 'this load can drain at most 1 of its 20 busiest buckets, and contested >= 80% needs 16: the busiest of the others is asked for 195 tokens in 20 s (9.8 a second), and 100:10/s admits 300; use --users 4, or --rate 600',
    },
    {
      title: 'a bucket that lasts longer than the load',
      written: { policy: '1000:1/s', load: { rate: 50, users: 5 }, scenario: 'bench' },
      says: 'this load can drain none of its 5 busiest buckets, and contested >= 80% needs 4: the busiest is asked for 313 tokens in 20 s (15.7 a second), and 1000:1/s admits 1020; use --rate 400, or --duration 200s',
    },
    {
      title: 'the only bucket, in a scenario',
      written: { policy: '100:10/s', load: { rate: 5, users: 1 } },
      says: 'this load cannot drain its only bucket: it is asked for 110 tokens in 20 s (5.5 a second), and 100:10/s admits 300; use rate: 20 in its load',
    },
    {
      title: 'a window',
      written: { promise: 'fixed-window:100/10s', load: { rate: 20, users: 10 }, scenario: 'audit' },
      says: 'this load can drain none of its 10 busiest buckets, and contested >= 80% needs 8: the busiest is asked for at most 56 tokens in 11 s, and fixed-window:100/10s admits 100; use --users 1, or --rate 300',
    },
    {
      title: 'many users of a slow load, who need both fewer users and a higher rate',
      written: { ...SHOWN, load: { rate: 5 } },
      says: 'this load can drain none of its 100 busiest buckets, and contested >= 80% needs 80: the busiest is asked for 5 tokens in 20 s (0.3 a second), and 100:10/s admits 300; use --users 5 --rate 150, or --rate 5000',
    },
    {
      title: 'any bucket, where one is claimed',
      written: { ...SHOWN, load: { rate: 50 }, claims: ['total-excess <= 0'] },
      says: 'this load can drain none of its 200 buckets, and contested >= 1 needs 1: the busiest is asked for 57 tokens in 20 s (2.9 a second), and 100:10/s admits 300; use --users 6, or --rate 300',
    },
    {
      title: 'one of several policies',
      written: { policies: { burst: '20:5/s', hourly: '1000:1000/h' }, load: { rate: 200, users: 5 } },
      says: 'this load can drain at most 1 of its 5 busiest buckets of policy hourly, and contested >= 80% needs 4: the busiest of the others is asked for 811 tokens in 20 s (40.6 a second), and 1000:1000/h admits 1005; take fewer users, a higher rate or a longer load',
    },
  ] satisfies { title: string; written: Written; says: string }[])(
    'U3: is said of $title',
    ({ written, says }) => {
      expect(undrained(loadOf(written))).toBe(says);
    },
  );

  const MEAGRE = { rate: 20, users: 20 };

  it.each([
    { title: 'drains enough', written: { load: { rate: 200, users: 5 } } },
    { title: 'is closed', written: { load: { users: 1_000 } } },
    { title: 'claims nothing about limits', written: { load: MEAGRE, claims: ['p99 <= 5s'] } },
    { title: 'has too many users', written: { load: { rate: 20, users: 200_000 } } },
    { title: 'has too many requests', written: { load: { rate: 20_000, users: 20_000, skew: 0 } } },
    {
      title: 'is under a command, which may do anything',
      written: { load: MEAGRE, faults: [{ fault: 'command', inject: 'a', heal: 'b', at: '1s', for: '1s' }] },
    },
    {
      title: 'may pile up while a fault holds it up',
      written: {
        policy: '20:1/s',
        load: { rate: 20, users: 10, skew: 0 },
        faults: [{ fault: 'pause', node: 'a-0', at: '1s', for: '15s' }],
      },
    },
  ] satisfies { title: string; written: Written }[])('is not said of a load that $title', ({ written }) => {
    expect(undrained(loadOf(written))).toBeUndefined();
  });
});

type Decide = (atUs: number, tokens: number) => boolean;

/** Right limiters of one bucket. */
const RIGHT = {
  bucket(text: string): Decide {
    const { capacityTokens, quantaPerUs, quantaPerToken } = parsePolicy(text);
    let [level, levelUs] = [capacityTokens, 0];
    return (atUs, tokens) => {
      level = Math.min(capacityTokens, level + ((atUs - levelUs) * quantaPerUs) / quantaPerToken);
      levelUs = atUs;
      if (level < tokens) return false;
      level -= tokens;
      return true;
    };
  },
  /** Windows that lie anywhere. */
  window(text: string, random: Random): Decide {
    const promise = parsePromise(text) as { limit: number; windowUs: number };
    const offsetUs = random() * promise.windowUs;
    let [window, used] = [-1, 0];
    return (atUs, tokens) => {
      const now = Math.floor((atUs + offsetUs) / promise.windowUs);
      if (now !== window) [window, used] = [now, 0];
      if (used + tokens > promise.limit) return false;
      used += tokens;
      return true;
    };
  },
};

/** How many of the busiest buckets deny a request, if each comes late by at most `lateUs`. */
function denying(
  load: PlannedLoad,
  { policy, promise }: Written,
  { random, lateUs }: { random: Random; lateUs: number },
) {
  const users = usersOf(load);
  const sent: { readonly atUs: number; readonly bucket: string; readonly tokens: number }[] = [];
  for (const { atUs, request } of plannedRequests(load, users)) {
    if (atUs >= 1_000 * load.plan.load.durationMs || request === undefined) break;
    sent.push({
      atUs: atUs + random() * lateUs,
      bucket: bucketOf(request.user),
      tokens: request.cost as number,
    });
  }
  const limiters = new Map<string, Decide>();
  const denied = new Set<string>();
  for (const { atUs, bucket, tokens } of sent.toSorted((a, b) => a.atUs - b.atUs)) {
    const decide =
      limiters.get(bucket) ??
      (promise === undefined ? RIGHT.bucket(policy ?? '') : RIGHT.window(promise, random));
    limiters.set(bucket, decide);
    if (!decide(atUs, tokens)) denied.add(bucket);
  }
  const busiest = busiestBuckets(load.plan, users);
  return busiest.filter((bucket) => denied.has(bucket)).length / busiest.length;
}

function drawWritten(random: Random): Written {
  const one = <T>(...values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const promise = one(undefined, undefined, 'fixed-window:20/4s', 'fixed-window:60/30s');
  return {
    policy: one('20:5/s', '100:10/s', '5:10/s', '200:1/s', '30:60/min'),
    ...(promise !== undefined && { promise }),
    regions: one(['a'], ['a', 'b', 'c']),
    scenario: 'bench',
    load: {
      rate: one(5, 20, 60, 150, 400),
      users: one(3, 5, 12, 40),
      skew: one(0, 0.7),
      cost: one([1], [1, 4]),
      duration: one('6s', '20s'),
      ...(random() < 0.3 && { resting: { share: 0.4, rest: '3s' } }),
    },
  };
}

/** The changes that the line proposes, each for itself. */
function proposed(line: string): Partial<LoadPlan>[] {
  const [, text = ''] = /; use (.*)$/.exec(line) ?? [];
  return text
    .split(', or ')
    .filter((way) => way !== '')
    .map((way) => {
      const value = (flag: string) => Number(new RegExp(`--${flag} ([\\d.]+)`).exec(way)?.[1]);
      const [users, rate, seconds] = [value('users'), value('rate'), value('duration')];
      return {
        ...(users > 0 && { users }),
        ...(rate > 0 && { ratePerSecond: rate }),
        ...(seconds > 0 && { durationMs: 1_000 * seconds }),
      };
    });
}

describe('of right limiters and random loads', () => {
  const random = makeRandom(7, 'loads');
  const drawn = Array.from({ length: 80 }, () => drawWritten(random));
  const lines = drawn.map((written) => ({
    written,
    load: loadOf(written),
    line: undrained(loadOf(written)),
  }));

  it('U3: none denies in enough buckets where the line is said, also if requests come a second late', () => {
    const said = lines.filter(({ line }) => line !== undefined);
    expect(said.length).toBeGreaterThan(20);
    for (const { written, load, line } of said)
      for (const lateUs of [0, 100_000, 1_000_000])
        expect(denying(load, written, { random, lateUs }), line).toBeLessThan(0.8);
  });

  it('U3: all deny in enough buckets with the values that the line has', () => {
    let tried = 0;
    for (const { written, load, line } of lines)
      for (const changed of proposed(line ?? '')) {
        const better = { ...load, plan: { ...load.plan, load: { ...load.plan.load, ...changed } } };
        expect(denying(better, written, { random, lateUs: 200_000 }), line).toBeGreaterThanOrEqual(0.8);
        expect(undrained(better)).toBeUndefined();
        tried++;
      }
    expect(tried).toBeGreaterThan(40);
  });

  it('is said of most loads that drain too little', () => {
    const little = lines.filter(({ written, load }) => denying(load, written, { random, lateUs: 0 }) < 0.8);
    const said = little.filter(({ line }) => line !== undefined);
    expect(said.length / little.length).toBeGreaterThan(0.8);
  });
});
