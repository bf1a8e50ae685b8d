import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../src/core/policy.ts';
import {
  demandWindowUs,
  isShort,
  noteAnswer,
  noteReply,
  noteTake,
  PARTS,
  untilHomeHasUs,
} from '../../src/limiter/strategies/lease/demand.ts';
import { leftTokens, makeRequest, receive, tryTake } from '../../src/limiter/strategies/lease/holder.ts';
import { plan } from '../../src/limiter/strategies/lease/plan.ts';
import type { Reply } from '../../src/limiter/strategies/lease/protocol.ts';
import { makeDemand, makeHolder } from '../support/lease/holder.ts';
import { handle } from '../support/lease/home.ts';
import { grantTokens } from '../support/lease/sizing.ts';

describe('a grant', () => {
  it.each([
    { title: 'is the requested amount, if there is more', available: 20, want: 5, need: 1, tokens: 5 },
    { title: 'is all there is, if that is less', available: 3, want: 5, need: 1, tokens: 3 },
    { title: 'is nothing where it would be of no use', available: 4, want: 20, need: 5, tokens: 0 },
    { title: 'is nothing for a mere renewal', available: 20, want: 0, need: 0, tokens: 0 },
  ])('$title', ({ tokens, ...question }) => expect(grantTokens(question)).toBe(tokens));
});

const terms = { policy: parsePolicy('20:5/s'), leaseUs: 2_000_000, marginUs: 200_000 };
const windowUs = demandWindowUs(terms);

describe('the plan', () => {
  const held = (tokens: number, expiresAtUs = 2_000_000) => {
    const holder = makeHolder(1);
    return Object.assign(holder, { lease: 1, seq: 1, granted: tokens, expiresAtUs });
  };
  const demand = (requested: number, more = {}) => ({ ...makeDemand(0, windowUs), requested, ...more });
  it.each([
    {
      title: 'asks nothing without a take',
      holder: makeHolder(1),
      demand: demand(1, { window: -6 }),
      want: undefined,
    },
    {
      title: 'asks for one window at first, and a reserve',
      holder: makeHolder(1),
      demand: demand(4),
      want: 7,
    },
    {
      title: 'asks for three windows of a usual demand',
      holder: makeHolder(1),
      demand: demand(2, { usualParts: 2 * PARTS }),
      want: 8,
    },
    {
      title: 'asks for a quarter of the capacity at least',
      holder: makeHolder(1),
      demand: demand(0, { usualParts: PARTS / 8 }),
      want: 5,
    },
    {
      title: 'asks for one window next to other borrowers',
      holder: makeHolder(1),
      demand: demand(1, { borrowers: 3 }),
      want: 3,
    },
    {
      title: 'asks for no more than an equal share next to them',
      holder: makeHolder(1),
      demand: demand(20, { borrowers: 4 }),
      want: 5,
    },
    { title: 'leaves a quarter of the capacity', holder: makeHolder(1), demand: demand(90), want: 15 },
    {
      title: 'asks for a cost that is more than that',
      holder: makeHolder(1),
      demand: demand(90, { lacking: 18 }),
      want: 18,
    },
    { title: 'asks nothing while its reserve is left', holder: held(7), demand: demand(12), want: undefined },
    { title: 'asks before its reserve is used', holder: held(6), demand: demand(12), want: 9 },
    {
      title: 'keeps a larger reserve if answers take longer',
      holder: held(8),
      demand: demand(12, { answerUs: 100_000 }),
      want: 7,
    },
    {
      title: 'does not ask for more than the last level of home',
      holder: makeHolder(1),
      demand: demand(9, { emptyUntilUs: 1 }),
      want: undefined,
    },
    { title: 'renews a lease near its end', holder: held(12, 300_000), demand: demand(12), want: 3 },
    { title: 'and not before', holder: held(12, 400_000), demand: demand(12), want: undefined },
    {
      title: 'renews it earlier if answers take longer',
      holder: held(12, 400_000),
      demand: demand(8, { answerUs: 50_000 }),
      want: 3,
    },
  ])('$title', ({ holder, demand, want }) => {
    expect(plan(holder, demand, terms, 0)?.want).toBe(want);
  });

  it('keeps a smaller reserve where others lack tokens too', () => {
    const contested = demand(12, { borrowers: 2, emptyUntilUs: 1 });
    expect([3, 4].map((tokens) => plan(held(tokens), contested, terms, 1)?.want)).toEqual([7, undefined]);
  });
  it('gives back tokens above twice its goal when it renews', () => {
    expect(plan(held(20, 300_000), demand(1), terms, 0)).toEqual({ want: 0, giveBack: 15 });
  });
  it.each([
    { title: 'many takes came before', requested: 6, windows: 2 },
    { title: 'few takes came before', requested: 2, windows: 5 },
    { title: 'one take came before', requested: 1, windows: 6 },
  ])('gives back all after $windows windows without a take where $title', ({ requested, windows }) => {
    const idle = demand(requested);
    expect(plan(held(6, 9_000_000), idle, terms, windows * windowUs - 1)).toBeUndefined();
    expect(plan(held(6, 9_000_000), idle, terms, windows * windowUs)).toEqual({ want: 0, giveBack: 6 });
  });
  it('gives back what is left of a lease that is over', () => {
    expect(plan(held(6, 1), demand(6), terms, 5 * windowUs)).toEqual({ want: 0, giveBack: 6 });
  });
  it('asks for the cost of a first take, and for nothing after it, where few users come again', () => {
    const alone = demand(0);
    const holder = makeHolder(1);
    noteTake(alone, 3, false, 0, windowUs);
    expect(plan(holder, alone, terms, 0, false)).toEqual({ want: 3, need: 3 });
    alone.lacking = 0;
    Object.assign(holder, held(3), { used: 3 });
    expect(plan(holder, alone, terms, 1, false)).toBeUndefined();
    noteTake(alone, 1, false, windowUs, windowUs);
    expect(plan(holder, alone, terms, windowUs, false)).toEqual({ want: 12, need: 1 });
  });
  it('takes a take for a first one after two windows without any', () => {
    const late = demand(1, { takesInRow: 9 });
    noteTake(late, 1, false, 2 * windowUs, windowUs);
    expect(plan(makeHolder(1), late, terms, 2 * windowUs, false)?.want).toBe(1);
    expect(plan(makeHolder(1), late, terms, 2 * windowUs, true)?.want).toBe(5);
  });
  it('asks for takes that have waited through windows without a take', () => {
    const waiting = demand(0, { lacking: 1, waiting: [{ costTokens: 1 }] });
    expect(plan(makeHolder(1), waiting, terms, 9 * windowUs)).toEqual({ want: 5, need: 1 });
  });
  it('borrows nothing for takes that were denied in memory and wait for nothing', () => {
    const large = { ...terms, policy: parsePolicy('60:1/s') };
    const idle = demand(0, { lacking: 60 });
    expect(plan(held(24), idle, large, 9 * windowUs)).toEqual({ want: 0, giveBack: 24 });
    noteTake(idle, 1, true, 9 * windowUs, windowUs);
    expect(plan(held(40, 60_000_000), idle, large, 9 * windowUs)).toBeUndefined();
  });
  it('asks for the need of one operation, less what is left', () => {
    expect(plan(held(2), demand(1, { lacking: 10 }), terms, 0)).toEqual({ want: 8, need: 8 });
  });
});

describe('a home that was short', () => {
  const hourly = parsePolicy('20:20/h');
  const large = parsePolicy('100:1/s');
  const largeTerms = { ...terms, policy: large };
  /** What home says after a grant of nothing: so many tokens are left there. */
  const answer = (policy: typeof hourly, tokens: number, leftHere = 0) => ({
    reply: { ...REPLY, levelQuanta: tokens * policy.quantaPerToken },
    policy,
    leftHere,
    nowUs: 0,
    windowUs,
  });
  const REPLY: Reply = {
    ...{ holder: 1, lease: 1, seq: 1, account: 'ended' as const, granted: 0 },
    ...{ sentAtUs: 0, borrowers: 1, levelQuanta: 0, atUs: 0 },
  };
  const denied = (...costs: number[]) => {
    const demand = makeDemand(0, windowUs);
    for (const cost of costs) noteTake(demand, cost, false, 0, windowUs);
    return demand;
  };

  it('is asked again after a window, at any refill', () => {
    const demand = denied(1);
    noteReply(demand, answer(hourly, 0));
    noteTake(demand, 1, false, windowUs - 1, windowUs);
    expect(plan(makeHolder(1), demand, { ...terms, policy: hourly }, windowUs - 1)).toBeUndefined();
    expect(plan(makeHolder(1), demand, { ...terms, policy: hourly }, windowUs)?.need).toBe(1);
  });
  it('gives the time at which its refill covers a take', () => {
    const demand = denied(1);
    noteReply(demand, answer(hourly, 0.5));
    const untilUs = (cost: number) => untilHomeHasUs(demand, cost, hourly, 1_000);
    expect([untilUs(1), untilUs(2)]).toEqual([90_000_000 - 1_000, 270_000_000 - 1_000]);
  });
  it('is asked at once for a cost that it has', () => {
    const demand = denied(100);
    noteReply(demand, answer(large, 49));
    expect([1, 49, 50, 100].map((cost) => isShort(demand, cost, 1, windowUs))).toEqual([
      ...[false, false, true, true],
    ]);
    noteTake(demand, 100, false, 1, windowUs);
    expect(plan(makeHolder(1), demand, largeTerms, 1)).toBeUndefined();
    noteTake(demand, 2, false, 2, windowUs);
    expect(plan(makeHolder(1), demand, largeTerms, 2)).toEqual({ want: 75, need: 2 });
  });
  it('is not one that lacks only the largest cost, and none that granted what was lacking', () => {
    const small = denied(100, 3);
    noteReply(small, answer(large, 3));
    expect(small.emptyUntilUs).toBe(0);
    const granted = denied(60);
    noteReply(granted, answer(large, 1, 60));
    expect(granted.emptyUntilUs).toBe(0);
  });
  it('is asked for the smallest cost that waits, and for the largest if it has as much', () => {
    const waiting = [{ costTokens: 80 }, { costTokens: 2 }];
    const demand = { ...makeDemand(0, windowUs), lacking: 2, waiting };
    expect(plan(makeHolder(1), demand, largeTerms, 9 * windowUs)).toEqual({ want: 80, need: 2 });
  });
});

/**
 * Regions that ask one home, in virtual time: what each wanted and got, and how often it called. A take that finds
 * nothing while home may have something waits for the reply.
 */
function simulate(
  regions: readonly { readonly tripUs: number; readonly takesAt: (step: number) => number }[],
  seconds: number,
  policy = terms.policy,
) {
  const lending = { ...terms, policy };
  const STEP_US = 10_000;
  let home: Parameters<typeof handle>[0];
  const places = regions.map((region, at) => ({
    ...region,
    holder: makeHolder(at),
    demand: makeDemand(0, windowUs),
    wanted: 0,
    admitted: 0,
    waiting: 0,
    calls: 0,
    arrivals: [] as { atUs: number; act: (nowUs: number) => void }[],
  }));
  for (let step = 0; step * STEP_US < seconds * 1_000_000; step++) {
    const nowUs = step * STEP_US;
    for (const place of places) {
      const due = place.arrivals.filter(({ atUs }) => atUs <= nowUs);
      place.arrivals = place.arrivals.filter(({ atUs }) => atUs > nowUs);
      for (const { act } of due) act(nowUs);
      for (let take = place.takesAt(step); take > 0; take--) {
        const allowed = tryTake(place.holder, 1, nowUs);
        noteTake(place.demand, 1, allowed, nowUs, windowUs);
        place.wanted++;
        place.admitted += allowed ? 1 : 0;
        if (!allowed && !isShort(place.demand, 1, nowUs, windowUs)) place.waiting++;
      }
      const question = plan(place.holder, place.demand, lending, nowUs);
      if (question === undefined) {
        if (!place.holder.isUnanswered) place.waiting = 0; // home has nothing, and has said so
        continue;
      }
      place.calls++;
      const request = makeRequest(place.holder, question, nowUs);
      place.arrivals.push({
        atUs: nowUs + place.tripUs / 2,
        act: (atHomeUs) => {
          const handled = handle(home, request, { terms: lending, nowUs: atHomeUs });
          home = handled.home;
          place.arrivals.push({
            atUs: nowUs + place.tripUs,
            act: (atUs) => {
              receive(place.holder, handled.reply, lending, atUs);
              const { reply } = handled;
              const leftHere = leftTokens(place.holder);
              for (; place.waiting > 0 && tryTake(place.holder, 1, atUs); place.waiting--) place.admitted++;
              place.waiting = 0;
              noteReply(place.demand, { reply, policy, leftHere, nowUs: atUs, windowUs });
              noteAnswer(place.demand, reply.sentAtUs, atUs);
            },
          });
        },
      });
    }
  }
  return places.map(({ wanted, admitted, calls }) => ({ wanted, admitted, calls }));
}

describe('a hot region', () => {
  const every = (steps: number) => (step: number) => (step % steps === 0 ? 1 : 0);
  const SECONDS = 60;
  const ideal = terms.policy.capacityTokens + 5 * SECONDS;

  it('gets at least 95 % of what one bucket admits, alone and far away', () => {
    const [hot] = simulate([{ tripUs: 190_000, takesAt: every(2) }], SECONDS);
    expect(hot?.admitted).toBeLessThanOrEqual(ideal);
    expect(hot?.admitted).toBeGreaterThanOrEqual(0.95 * ideal);
  });

  it('is not starved by one that was hot and is idle', () => {
    const [hot, idle] = simulate(
      [
        { tripUs: 190_000, takesAt: every(2) },
        { tripUs: 10_000, takesAt: (step) => (step < 200 ? every(2)(step) : 0) },
      ],
      SECONDS,
    );
    expect((hot?.admitted ?? 0) + (idle?.admitted ?? 0)).toBeGreaterThanOrEqual(0.95 * ideal);
  });

  it('is not starved by one that asks now and then', () => {
    const [hot, rare] = simulate(
      [
        { tripUs: 190_000, takesAt: every(2) },
        { tripUs: 10_000, takesAt: every(200) },
      ],
      SECONDS,
    );
    expect((hot?.admitted ?? 0) + (rare?.admitted ?? 0)).toBeGreaterThanOrEqual(0.95 * ideal);
    // One bucket would give each the same share of what it asks for.
    expect(rare?.admitted).toBeGreaterThanOrEqual(((rare?.wanted ?? 0) * ideal) / (hot?.wanted ?? 1));
  });

  it('costs a call a window at most while it stays empty', () => {
    const [hot] = simulate([{ tripUs: 10_000, takesAt: every(1) }], SECONDS, parsePolicy('20:20/h'));
    expect(hot?.admitted).toBe(20);
    expect(hot?.calls).toBeGreaterThan(SECONDS);
    expect(hot?.calls).toBeLessThanOrEqual((SECONDS * 1_000_000) / windowUs + 5);
  });

  it('shares with others as hot, at one call for ten decisions at most', () => {
    const regions = [80_000, 120_000, 190_000].map((tripUs) => ({ tripUs, takesAt: every(1) }));
    const got = simulate(regions, SECONDS);
    const sum = (count: (place: (typeof got)[number]) => number) =>
      got.reduce((total, place) => total + count(place), 0);
    expect(sum(({ admitted }) => admitted)).toBeGreaterThanOrEqual(0.95 * ideal);
    expect(sum(({ calls }) => calls)).toBeLessThanOrEqual(sum(({ wanted }) => wanted) / 10);
    for (const { admitted } of got) expect(admitted).toBeGreaterThan((0.5 * ideal) / 3);
  });
});
