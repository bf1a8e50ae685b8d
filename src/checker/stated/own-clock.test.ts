import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { makeRandom, type Random } from '../../core/prng.ts';
import { parsePromise } from '../../core/promise.ts';
import type { HistoryRecord, Stated } from '../../history/records/operation.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;
const EPOCH_US = 1_800_000_000 * S;
const LENGTH_US = 1_200 * S;

/** What the limiter's clock shows at a moment of the recorder. */
type Clock = (us: number) => number;

/** What is stated of a decision at `nowUs` of the limiter's own clock. */
type Limiter = (nowUs: number) => { readonly isAllowed: boolean; readonly stated: Stated };

const drifting =
  (ppm: number): Clock =>
  (us) =>
    EPOCH_US + Math.floor(us * (1 + ppm / 1e6));

/** Steps by so many seconds halfway. */
const stepping =
  (byS: number): Clock =>
  (us) =>
    EPOCH_US + us + (us < LENGTH_US / 2 ? 0 : byS * S);

/** Waits longer than so many seconds are stated so much longer, or shorter. */
const exact = { ofS: 0, byS: 0 };

const upS = (us: number) => Math.ceil(us / S);

/** A bucket of `capacity` tokens, one an hour, that waits where its clock goes back. */
function bucket(capacity: number, wrong = exact): Limiter {
  const perTokenUs = 3_600 * S;
  let [held, atUs] = [capacity * perTokenUs, Number.NEGATIVE_INFINITY];
  return (nowUs) => {
    if (nowUs > atUs) {
      held = Math.min(capacity * perTokenUs, atUs === Number.NEGATIVE_INFINITY ? held : held + nowUs - atUs);
      atUs = nowUs;
    }
    const isAllowed = held >= perTokenUs;
    if (isAllowed) held -= perTokenUs;
    const waitUs = perTokenUs - held + atUs - nowUs;
    const fullUs = capacity * perTokenUs - held + atUs - nowUs;
    const stated = {
      remaining: Math.floor(held / perTokenUs),
      reset: upS(fullUs),
      resetForm: 'delta' as const,
    };
    const retryAfterS = upS(waitUs) + (upS(waitUs) > wrong.ofS ? wrong.byS : 0);
    return { isAllowed, stated: isAllowed ? stated : { ...stated, retryAfterS } };
  };
}

/** The exact log of an hour. */
function log(limit: number): Limiter {
  const windowUs = 3_600 * S;
  let taken: number[] = [];
  return (nowUs) => {
    taken = taken.filter((us) => us > nowUs - windowUs);
    const isAllowed = taken.length < limit;
    if (isAllowed) taken.push(nowUs);
    const stated = { remaining: limit - taken.length };
    return {
      isAllowed,
      stated: isAllowed ? stated : { ...stated, retryAfterS: upS((taken[0] as number) + windowUs - nowUs) },
    };
  };
}

/** Windows of five minutes from the epoch on. */
function epoch(limit: number): Limiter {
  const windowUs = 300 * S;
  let [window, taken] = [-1, 0];
  return (nowUs) => {
    const now = Math.floor(nowUs / windowUs);
    if (now > window) [window, taken] = [now, 0];
    const isAllowed = taken < limit;
    if (isAllowed) taken++;
    const stated = { remaining: limit - taken };
    return {
      isAllowed,
      stated: isAllowed ? stated : { ...stated, retryAfterS: upS((window + 1) * windowUs - nowUs) },
    };
  };
}

/** The nodes whose clocks are read, by their names. */
type Nodes = Readonly<Record<string, Clock>>;

/** A sequence of requests with random intervals, and readings of the clocks of these nodes. */
function recorded(
  limiter: Limiter,
  { clock, random, nodes }: { clock: Clock; random: Random; nodes: Nodes },
) {
  const parts: OperationPart[] = [];
  for (let us = S; us < LENGTH_US; us += Math.floor(random() * 20 * S)) {
    const width = Math.floor(random() * 400);
    const { isAllowed, stated } = limiter(clock(us + Math.floor(random() * width)));
    parts.push({
      ...{ bucket: 'u', invokedUs: us, completedUs: us + width, stated },
      outcome: isAllowed ? 'allowed' : 'denied',
    });
    us += width;
  }
  const records: HistoryRecord[] = [];
  for (const [node, shown] of Object.entries(nodes))
    for (let atUs = 0; atUs <= LENGTH_US; atUs += 5 * S)
      records.push({ type: 'clock', node, atUs, serverUs: shown(atUs), errorUs: 50 });
  return { parts, records };
}

interface Judged {
  readonly clock: Clock;
  /** Default: one node with that clock. */
  readonly nodes?: Nodes;
  readonly promise?: string;
  readonly policy?: string;
}

function reasonsOf(
  limiter: () => Limiter,
  { clock, nodes = { r: clock }, promise, policy = '3:1/h' }: Judged,
) {
  const sums: Record<string, number> = {};
  for (let seed = 0; seed < 10; seed++) {
    const { parts, records } = recorded(limiter(), { clock, random: makeRandom(seed, 'own-clock'), nodes });
    const report = checkHistory(
      historyOf(parts, { policy, records, header: { strategy: 'external', clocks: 'apart' } }),
      { busiest: [], ...(promise !== undefined && { promise: parsePromise(promise) }) },
    );
    for (const [reason, many] of Object.entries(report.dishonest.reasons))
      sums[reason] = (sums[reason] ?? 0) + many;
  }
  return sums;
}

const PPM = [-1_000, -100, -1, 0, 1, 100, 1_000];

describe('V6: waits, resets and levels by the own clock of a limiter', () => {
  it.each(PPM)('a bucket whose clock drifts by %i ppm states the truth, read or not', (ppm) => {
    expect(reasonsOf(() => bucket(3), { clock: drifting(ppm) })).toEqual({});
    expect(reasonsOf(() => bucket(3), { clock: drifting(ppm), nodes: {} })).toEqual({});
  });

  it.each(PPM)('a sliding log and windows of the epoch do, with %i ppm', (ppm) => {
    const clock = drifting(ppm);
    for (const nodes of [{ r: clock }, {}])
      expect(reasonsOf(() => log(3), { clock, nodes, promise: 'sliding-window:3/1h' })).toEqual({});
    expect(reasonsOf(() => epoch(3), { clock, promise: 'fixed-window:3/5min:epoch' })).toEqual({});
  });

  it.each([-700, -30, 30, 700])('all of them do if the clock steps by %i s', (byS) => {
    const clock = stepping(byS);
    expect(reasonsOf(() => bucket(3), { clock })).toEqual({});
    expect(reasonsOf(() => log(3), { clock, promise: 'sliding-window:3/1h' })).toEqual({});
    expect(reasonsOf(() => epoch(3), { clock, promise: 'fixed-window:3/5min:epoch' })).toEqual({});
  });

  it('a bucket and a log do that move to a node whose clock is ahead or behind', () => {
    for (const byS of [-30, 30]) {
      const nodes = { r: drifting(0), s: (us: number) => drifting(0)(us) + byS * S };
      expect(reasonsOf(() => bucket(3), { clock: stepping(byS), nodes })).toEqual({});
      const promise = 'sliding-window:3/1h';
      expect(reasonsOf(() => log(3), { clock: stepping(byS), nodes, promise })).toEqual({});
    }
  });

  it.each([-100, 100])('a wait is wrong by more than the drift, at %i ppm', (ppm) => {
    const clock = drifting(ppm);
    const wrong = (byS: number) => reasonsOf(() => bucket(3, { ofS: 2_000, byS }), { clock });
    expect(wrong(2)).toEqual({ 'retry too long': expect.any(Number) });
    expect(wrong(-2)).toEqual({ 'retry too short': expect.any(Number) });
  });
});
