import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyOf } from '../../../test/support/history.ts';
import type { Stated } from '../records/operation.ts';

const anyNumber = fc.oneof(
  fc.nat(300),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(255, 256, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 1_795_559_409, 1_795_559_409_216, 0.5),
  fc.maxSafeInteger(),
);
const anyStated = fc.record(
  {
    remaining: anyNumber,
    retryAfterS: anyNumber,
    retryAtS: anyNumber,
    reset: anyNumber,
    resetForm: fc.constantFrom('delta' as const, 'any' as const),
    limit: anyNumber,
    windowS: anyNumber,
  },
  { requiredKeys: [] },
);

/** A form without a reset says nothing, and a reset without a form may have any. */
function read({ resetForm, ...values }: Stated): Stated | undefined {
  if (Object.keys(values).length === 0) return undefined;
  return values.reset === undefined ? values : { ...values, resetForm: resetForm ?? 'any' };
}

describe('what limiters stated', () => {
  it('is what was recorded, of any size, grouped by bucket or not', () => {
    const anyOperation = fc.record({
      bucket: fc.constantFrom('b', 'c'),
      stated: fc.option(anyStated, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(anyOperation, { minLength: 1, maxLength: 40 }), (operations) => {
        const parts = operations.map(({ bucket, stated }) => (stated ? { bucket, stated } : { bucket }));
        const { operations: table } = historyOf(parts);
        for (let row = 0; row < table.rows; row++) {
          const { stated } = operations[table.operationOf(row).index] ?? {};
          expect(table.statedOf(row)).toEqual(stated && read(stated));
        }
      }),
      { numRuns: 500, seed: 22 },
    );
  });

  it('is kept when a later chunk has wider numbers', () => {
    const CHUNK = 32_768;
    const parts = Array.from({ length: 2 * CHUNK + 10 }, (_, at) => ({
      bucket: at % 2 === 0 ? 'b' : 'c',
      ...(at === 5 ? {} : { stated: { remaining: at < CHUNK ? at % 200 : at, limit: 0.5 * (at % 3) } }),
    }));
    const { operations: table } = historyOf(parts);
    for (let row = 0; row < table.rows; row++) {
      const part = parts[table.operationOf(row).index];
      expect(table.statedOf(row)).toEqual(part && 'stated' in part ? part.stated : undefined);
    }
  });

  it.each([
    { title: 'nothing', part: {}, has: false },
    { title: 'an empty object', part: { stated: {} }, has: false },
    { title: 'a form without a reset', part: { stated: { resetForm: 'delta' as const } }, has: false },
    { title: 'nothing remaining', part: { stated: { remaining: 0 } }, has: true },
    {
      title: 'something of several buckets',
      part: { stated: { remaining: 1 }, charges: [{ bucket: 'b', cost: 1 }] },
      has: false,
    },
  ])('of $title the table has stated values: $has', ({ part, has }) => {
    const { operations: table } = historyOf([part]);
    expect([table.hasStated, table.statedOf(0) !== undefined]).toEqual([has, has]);
  });

  it('is unknown for attempts of one decision, and belongs to the first row of a surplus', () => {
    const stated = { remaining: 3 };
    const { operations: table } = historyOf([
      { stated, decisionId: 'd' },
      { stated, decisionId: 'd', outcome: 'info' },
      { stated, maxCharge: 2, latestUs: 9 },
    ]);
    const rows = Array.from({ length: table.rows }, (_, row) => table.statedOf(row));
    expect(rows).toEqual([undefined, undefined, stated, undefined]);
  });
});
