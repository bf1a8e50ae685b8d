import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import type { Evidence } from '../../core/decision.ts';
import { checkHistory } from '../check.ts';

const S = 1_000_000;
const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

/** A decision on 4 tokens and 1/s, by node `a`: seconds of its interval and of the bucket, tokens left. */
function decided(
  atS: number,
  level: number,
  {
    node = 'a',
    forS = 0,
    bucketS = atS,
    source = 'redis' as 'redis' | 'lease',
    strategy = 'central',
    ...part
  }: OperationPart & {
    node?: string;
    forS?: number;
    bucketS?: number;
    source?: 'redis' | 'lease';
    strategy?: string;
  } = {},
): OperationPart {
  return {
    invokedUs: atS * S,
    completedUs: (atS + forS) * S,
    ...part,
    decision: { strategy, node, source, atUs: bucketS * S, bucketUs: bucketS * S, levelQuanta: level * S },
  };
}

const denied = { outcome: 'denied' as const };
const info = (atS: number, part: OperationPart = {}): OperationPart => ({
  invokedUs: atS * S,
  outcome: 'info',
  ...part,
});

function replay(parts: readonly OperationPart[], header: Parameters<typeof historyOf>[1] = {}) {
  return checkHistory(historyOf(parts, { policy: '4:1/s', ...header }), RULES).replay;
}

describe('the replay of decisions', () => {
  it.each([
    { title: 'one take from a full bucket', passes: [decided(1, 3)], fails: [decided(1, 2)] },
    {
      title: 'refill between two',
      passes: [decided(1, 3), decided(1.5, 2.5)],
      fails: [decided(1, 3), decided(1.5, 2.500001)],
    },
    {
      title:
        'charges without a level that may have come back at a failover, if they were ever seen to be made',
      passes: [info(0.5), info(0.5), decided(1, 1), decided(1.5, 2.5, { node: 'b' })],
      fails: [
        ...[info(0.5), info(0.5), info(0.5), info(0.5)],
        ...[decided(1, 3), decided(1, 2), decided(1, 1), decided(1, 0)],
        decided(2, 3, { node: 'b' }),
      ],
    },
    {
      title: 'refill no further than the capacity',
      passes: [decided(1, 3), decided(9, 3)],
      fails: [decided(1, 3), decided(9, 3.5)],
    },
    {
      title: 'a denial, which takes nothing',
      passes: [decided(1, 1, { cost: 3 }), decided(1, 1, { cost: 2, ...denied }), decided(2, 1)],
      fails: [decided(1, 1, { cost: 3 }), decided(1, 1, { cost: 2, ...denied }), decided(2, 0)],
    },
    {
      title: 'a denial below its cost',
      passes: [decided(1, 1, { cost: 3 }), decided(1, 1, { cost: 2, ...denied })],
      fails: [decided(1, 1, { cost: 3 }), decided(1, 1, { cost: 1, ...denied })],
    },
    {
      title: 'two of one microsecond in the order of their levels',
      passes: [decided(1, 2), decided(1, 3)],
      fails: [decided(1, 3), decided(1, 3)],
    },
    {
      title: 'a clock that steps back and adds nothing',
      passes: [decided(5, 3), decided(6, 2, { bucketS: 5 })],
      fails: [decided(5, 3), decided(6, 3, { bucketS: 5 })],
    },
    {
      title: 'a charge without a reply in between',
      passes: [decided(1, 3), info(1), decided(2, 2)],
      fails: [decided(1, 3), decided(2, 2)],
    },
    {
      title: 'one that came before',
      passes: [info(1, { latestUs: 2 * S }), decided(1.5, 2)],
      fails: [info(1, { latestUs: 1.2 * S }), decided(1.5, 2.7), decided(1.5, 0.7)],
    },
    {
      title: 'levels that are the share of a lease',
      passes: [decided(1, 1, { source: 'lease' })],
      fails: [decided(1, 1)],
    },
    {
      title: "levels that are each region's own",
      passes: [decided(1, 1, { strategy: 'active-active' })],
      fails: [decided(1, 1)],
    },
    {
      title: 'a failover that keeps every write',
      passes: [decided(1, 3), decided(2, 3, { node: 'b' })],
      fails: [decided(1, 2, { cost: 2 }), decided(1.1, 0.1, { cost: 2 }), decided(2, 3, { node: 'b' })],
    },
    {
      title: 'a failover while both nodes are asked',
      passes: [
        decided(1, 2, { cost: 2 }),
        decided(1.1, 0.1, { cost: 2, forS: 2 }),
        decided(2, 2, { node: 'b' }),
      ],
      fails: [decided(1, 2, { cost: 2 }), decided(1.1, 0.1, { cost: 2 }), decided(2, 2, { node: 'b' })],
    },
    {
      title: 'a denial of a node that was replaced',
      passes: [
        decided(1, 0, { cost: 4 }),
        decided(2, 0, { node: 'b' }),
        decided(2.5, 1.5, { cost: 2, ...denied }),
      ],
      fails: [decided(1, 0, { cost: 4 }), decided(2, 0, { node: 'b' }), decided(2.5, 0.5)],
    },
    {
      title: 'a denial before the clock stepped back, of one that ended before the other began',
      passes: [
        decided(1, 1, { cost: 3 }),
        decided(2, 2, { cost: 3, ...denied }),
        decided(2.1, 0.5, { bucketS: 1.5 }),
      ],
      fails: [decided(1, 1, { cost: 3 }), decided(1.5, 0.5), decided(2, 2, { cost: 3, ...denied })],
    },
    { title: 'a level within the capacity', passes: [decided(1, 3)], fails: [decided(1, 5)] },
    {
      title: 'a level not below zero',
      passes: [decided(1, 0, { cost: 4 })],
      fails: [decided(1, -1, { cost: 5 })],
    },
  ])('accepts $title, and not its smallest change', ({ passes, fails }) => {
    expect(replay(passes).total).toBe(0);
    expect(replay(fails).total).toBeGreaterThan(0);
  });

  it('says nothing of denials that raced with an admission while clocks stepped back', () => {
    const raced = [
      decided(1, 1, { cost: 3 }),
      decided(2, 2, { cost: 3, ...denied, forS: 0.2 }),
      decided(2.1, 0.5, { bucketS: 1.5 }),
    ].map((part) => ({ ...part, decision: { ...part.decision, atUs: undefined } as unknown as Evidence }));
    const read = (atS: number, gainedS: number) =>
      ({
        type: 'clock',
        node: 'a',
        atUs: atS * S,
        serverUs: (1e9 + atS + gainedS) * S,
        errorUs: 10,
      }) as const;
    const steady = [read(0, 0), read(1, 0), read(3, 0)];
    const stepped = [read(0, 0), read(1, 0), read(2, -0.6), read(3, -0.6)];
    expect(replay(raced, { records: steady }).total).toBe(1);
    expect(replay(raced, { records: stepped }).total).toBe(0);
  });

  it('judges no decision from the end of a history that breaks off, but judges the others by them', () => {
    const parts = [
      decided(0, 2, { forS: 0.1, bucketS: 0.0005 }),
      decided(0, 3, { forS: 4, bucketS: 0.0004 }),
      decided(5, 3, { forS: 0.1 }),
    ];
    const of = (sent?: null) => replay(parts, { ...(sent === null && { sent }) });
    expect(of()).toMatchObject({ total: 1, replayed: 3 }); // the first left 2.0001
    const right = parts.map((part, at) =>
      at === 0 ? decided(0, 2.0001, { forS: 0.1, bucketS: 0.0005 }) : part,
    );
    expect(replay(right)).toMatchObject({ total: 0, replayed: 3 });
    expect(replay(right, { sent: null })).toMatchObject({ total: 0 });
  });

  it('says nothing of a denial that raced with an admission and is later by a step that no reading shows', () => {
    const atMs = (ms: number, level: number, part: Parameters<typeof decided>[2] = {}) =>
      decided(ms / 1_000, level, { bucketS: ms / 1_000, ...part });
    const raced = (laterMs: number) => [
      atMs(1_000, 2, { cost: 2 }),
      atMs(1_000.3, 2 + 0.0002 + laterMs / 1_000, {
        ...denied,
        cost: 3,
        forS: 0.05,
        bucketS: 1.0002 + laterMs / 1_000,
      }),
      atMs(1_000.4, 1.0002, { forS: 0.05, bucketS: 1.0002 }),
    ];
    const read = [0, 1, 2].map((atS) => ({
      ...{ type: 'clock' as const, node: 'a', atUs: atS * S, serverUs: atS * S, errorUs: 10 },
    }));
    expect(replay(raced(0.2), { records: read }).total).toBe(0);
    expect(replay(raced(40), { records: read }).total).toBe(1);
  });

  it('of an unknown initial level starts with what the first reply says', () => {
    expect(replay([decided(1, 1), decided(2, 1)], { header: { initial: 'unknown' } }).total).toBe(0);
  });

  it('leaves out buckets with refunds and resets, whose levels cannot be known', () => {
    expect(replay([decided(1, 3), { invokedUs: 2 * S, cost: -1 }, decided(2, 3)]).replayed).toBe(0);
    const reset = { type: 'event', event: 'reset', atUs: 2 * S, args: { bucket: 'b' } } as const;
    expect(replay([decided(1, 3), decided(2, 3)], { records: [reset] }).replayed).toBe(0);
    expect(
      replay([decided(1, 3), decided(2, 3)], { records: [{ ...reset, args: { bucket: 'c' } }] }).replayed,
    ).toBe(2);
  });

  it('pins a lost write to the nodes between which it was lost', () => {
    const { findings } = replay([
      decided(1, 2, { cost: 2 }),
      decided(1.5, 0.5, { cost: 2 }),
      decided(2, 2, { node: 'b' }),
    ]);
    expect(findings[0]).toMatchObject({
      kind: 'replay',
      count: 1,
      worst: { operation: { index: 2 }, tokens: 2 },
      inequality: '2 tokens minted between a and b: expected level 0, level in the reply 2',
      witness: [
        { operation: { index: 1 }, decision: { node: 'a', level: 0.5 } },
        { operation: { index: 2 }, decision: { node: 'b', level: 2 } },
      ],
    });
  });

  it('compares nothing with a denial from before a step back of the clock', () => {
    const parts = (last: number) => [
      decided(0, 3),
      decided(3, 4, { ...denied, cost: 5 }),
      decided(4, 0, { cost: 4, bucketS: 2 }), // its clock stepped back by 2 s
      decided(6, last, { bucketS: 4 }),
    ];
    expect(replay(parts(1)).total).toBe(0);
    expect(replay(parts(3)).total).toBe(1);
  });

  it('knows that what asks for nothing finds the level that another left', () => {
    const parts = [decided(0, 0, { cost: 0 }), decided(0, 0, { cost: 4 })];
    expect(replay(parts).total).toBe(0);
    expect(replay(parts.slice(0, 1)).total).toBe(1);
  });

  it('holds no denial against a bucket that was asked for nothing, or to give back', () => {
    const parts = [decided(0, 3), decided(1, 4, denied)];
    const asking = (cost: number) =>
      replay(parts.map((part, at) => (at === 1 ? { ...part, cost } : part))).findings;
    expect(asking(1)).toMatchObject([{ inequality: expect.stringContaining('but the bucket held') }]);
    expect([asking(0), asking(-1)]).toEqual([[], []]);
  });

  it('gives a witness that is a proof, and none without any one of its operations', () => {
    const proofs = [0, 0, 0];
    const anyDecision = fc.record({
      halves: fc.integer({ min: 0, max: 40 }),
      level: fc.integer({ min: -1, max: 5 }),
      outcome: fc.constantFrom('allowed' as const, 'denied' as const),
    });
    fc.assert(
      fc.property(fc.array(anyDecision, { minLength: 1, maxLength: 8 }), (drawn) => {
        const parts = drawn.map(({ halves, level, outcome }) => decided(halves / 2, level, { outcome }));
        const [finding] = replay(parts).findings;
        if (finding === undefined) return;
        const proof = finding.witness.map(({ operation }) => parts[operation.index] as OperationPart);
        const initial = proof.length === 1 ? 'full' : 'unknown'; // a first decision is compared with a full bucket
        const found = (some: readonly OperationPart[]) => replay(some, { header: { initial } }).total;
        expect(found(proof)).toBeGreaterThan(0);
        for (const left of proof) expect(found(proof.filter((part) => part !== left))).toBe(0);
        proofs[proof.length] = (proofs[proof.length] ?? 0) + 1;
      }),
      { numRuns: 200, seed: 61 },
    );
    expect(Math.min(proofs[1] ?? 0, proofs[2] ?? 0)).toBeGreaterThan(4);
  });
});
