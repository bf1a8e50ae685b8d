import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';

const anyDecision = fc.record({
  bucket: fc.constantFrom('b', 'c'),
  node: fc.constantFrom('n', 'm'),
  invokedUs: fc.nat(1_000_000),
  levelQuanta: fc.oneof(
    fc.nat(100),
    fc.integer({ min: -5, max: 5 }).map((more) => 2 ** 32 + more),
    fc.maxSafeInteger(),
  ),
  bucketUs: fc.oneof(
    fc.nat(1_000_000).map((us) => 1.8e15 + us),
    fc.integer({ min: -2, max: 2 }).map((more) => 1.8e15 + 2 ** 31 + more),
    fc.maxSafeInteger(),
    fc.constant(1.5),
  ),
  isShared: fc.boolean(),
});

describe('the levels of a table', () => {
  it('are those that were recorded, of any size, grouped by bucket or not', () => {
    fc.assert(
      fc.property(fc.array(anyDecision, { minLength: 1, maxLength: 40 }), (decisions) => {
        const parts = decisions.map(({ bucket, invokedUs, isShared, ...evidence }) => ({
          bucket,
          invokedUs,
          decision: {
            strategy: 'central',
            source: isShared ? ('redis' as const) : ('lease' as const),
            ...evidence,
          },
        }));
        const { operations: table } = historyOf(parts);
        for (let row = 0; row < table.rows; row++) {
          const { isShared, levelQuanta, bucketUs, node } = decisions[table.operationOf(row).index] ?? {};
          expect(table.levels?.of(row) ?? Number.NaN).toBe(isShared ? levelQuanta : Number.NaN);
          if (!isShared) continue;
          expect(table.levels?.bucketUs(row)).toBe(bucketUs);
          expect(table.levels?.nodeName(row)).toBe(node);
        }
      }),
      { numRuns: 500, seed: 21 },
    );
  });

  it('of more nodes than are counted are left out', () => {
    const parts = Array.from({ length: 65_537 }, (_, at) => ({
      decision: {
        strategy: 'central',
        source: 'redis' as const,
        node: `n${at}`,
        levelQuanta: 7,
        bucketUs: 1,
      },
    }));
    const { levels } = historyOf(parts).operations;
    expect(levels?.nodeName(65_534)).toBe('n65534');
    expect([levels?.of(65_534), levels?.of(65_535), levels?.of(65_536)]).toEqual([7, Number.NaN, Number.NaN]);
  });
});
