import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../../test/support/history.ts';
import { checkHistory } from '../../check.ts';

/** A bucket of 10 tokens that gains one each 200 ms: a token is 200,000 quanta. */
const TOKEN = 200_000;
const FULL = 10 * TOKEN;

interface State {
  level: number;
  atUs: number;
}

interface Limiter {
  readonly start?: number;
  found?(state: State, nowUs: number): number;
  isAllowed?(level: number, cost: number): boolean;
  left?(level: number, cost: number, isAllowed: boolean): number;
  clock?(us: number, region: string): number;
}

const refilled = ({ level, atUs }: State, nowUs: number) => Math.min(FULL, level + Math.max(0, nowUs - atUs));

/** Requests in bursts with pauses, of costs of 1 to 3, from two regions, decided in the middle of 2 ms. */
function run(
  {
    start = FULL,
    found = refilled,
    isAllowed = (level, cost) => level >= cost,
    left = (level, cost, allowed) => (allowed ? level - cost : level),
    clock = (us) => us,
  }: Limiter,
  hasLevels: boolean,
): OperationPart[] {
  let state = { level: start, atUs: clock(4_000_000, 'r') };
  let us = 0;
  return Array.from({ length: 1_200 }, (_, at) => {
    us += at % 40 === 0 ? 4_010_000 : 30_000 + ((at * 7_919) % 50_000);
    const cost = 1 + ((at * 5) % 3);
    const region = at % 2 === 0 ? 'r' : 's';
    const nowUs = clock(us, region);
    const level = found(state, nowUs);
    const allowed = isAllowed(level, cost * TOKEN);
    state = { level: left(level, cost * TOKEN, allowed), atUs: nowUs };
    const decision = {
      strategy: 'simulated',
      source: 'redis',
      node: 'n',
      bucketUs: 1.8e15 + nowUs,
      levelQuanta: state.level,
    } as const;
    return {
      invokedUs: us - 1_000,
      completedUs: us + 1_000,
      cost,
      region,
      outcome: allowed ? ('allowed' as const) : ('denied' as const),
      ...(hasLevels && { decision }),
    };
  });
}

const judged = (parts: readonly OperationPart[]) =>
  checkHistory(historyOf(parts, { policy: '10:5/s' }), { busiest: [] });
const reasonsOf = (parts: readonly OperationPart[]) =>
  judged(parts).reasons?.map(({ reason }) => reason) ?? [];

const RULES: readonly (Limiter & { readonly reason: string })[] = [
  { reason: 'one-too-many', isAllowed: (level, cost) => level > cost - TOKEN },
  { reason: 'level-below-zero', isAllowed: (level) => level > 0 },
  {
    reason: 'charged-denials',
    left: (level, cost) => Math.max(0, level - cost),
  },
  {
    reason: 'cost-ignored',
    isAllowed: (level) => level >= TOKEN,
    left: (level, _, allowed) => (allowed ? level - TOKEN : level),
  },
  { reason: 'beyond-capacity', found: ({ level, atUs }, nowUs) => level + nowUs - atUs },
  {
    reason: 'dropped-fractions',
    found: ({ level, atUs }, nowUs) => Math.min(FULL, level + Math.floor((nowUs - atUs) / TOKEN) * TOKEN),
  },
];

const ROUNDED: Limiter = {
  left: (level, cost, allowed) => Math.floor((allowed ? level - cost : level) / 100) * 100,
};

describe('a bucket with one thing changed is named', () => {
  it.each(RULES)('by its levels: $reason', ({ reason, ...limiter }) =>
    expect(reasonsOf(run(limiter, true))).toEqual([reason]),
  );

  it.each(RULES)('by its decisions alone: $reason', ({ reason, ...limiter }) =>
    expect(reasonsOf(run(limiter, false))).toEqual([reason]),
  );

  it.each([
    { reason: 'starts-empty', start: 0 },
    { reason: 'rounded-levels', ...ROUNDED },
    { reason: 'whole-seconds', clock: (us: number) => Math.floor(us / 1_000_000) * 1_000_000 },
    {
      reason: 'region-clocks',
      clock: (us: number, region: string) => us + (region === 's' ? 900_000 : 0),
      found: ({ level, atUs }: State, nowUs: number) => Math.min(FULL, level + Math.max(0, nowUs - atUs)),
    },
    {
      reason: 'backward-refill',
      clock: (us: number) => us - (Math.floor(us / 5_000_000) % 2) * 1_500_000,
      found: ({ level, atUs }: State, nowUs: number) => Math.min(FULL, level + Math.abs(nowUs - atUs)),
    },
  ])('by levels and times: $reason', ({ reason, ...limiter }) =>
    expect(reasonsOf(run(limiter, true))).toEqual([reason]),
  );
});

describe('no rule is named', () => {
  it('of the promised bucket', () => {
    expect(reasonsOf(run({}, true))).toEqual([]);
    expect(judged(run({}, true)).replay.buckets).toBe(0);
  });

  it('if a few levels contradict it', () => {
    const parts = run(ROUNDED, true);
    const changed = parts.map((part, at) =>
      at % 100 === 50 && part.decision?.source === 'redis'
        ? {
            ...part,
            decision: { ...part.decision, levelQuanta: (part.decision.levelQuanta ?? 0) + 3 * TOKEN },
          }
        : part,
    );
    expect(judged(changed).replay.buckets).toBe(1);
    expect(reasonsOf(changed)).toEqual([]);
  });

  it('if one admission contradicts it', () => {
    const parts = run(
      {
        isAllowed: (level) => level >= TOKEN,
        left: (level, _, allowed) => (allowed ? level - TOKEN : level),
      },
      false,
    );
    const denied = parts.findIndex(({ outcome }) => outcome === 'denied');
    expect(reasonsOf(parts.with(denied, { ...parts[denied], outcome: 'allowed' }))).toEqual([]);
  });
});
