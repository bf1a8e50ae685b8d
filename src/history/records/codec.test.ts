import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeRecord } from './codec.ts';
import { type Operation, OUTCOMES } from './operation.ts';

const text = fc.string({ unit: 'grapheme' });
const number = fc.maxSafeInteger();

const decision = fc.record(
  {
    strategy: text,
    node: text,
    source: fc.constantFrom('redis' as const, 'lease' as const, 'fallback' as const),
    atUs: number,
    bucketUs: number,
    levelQuanta: number,
    ageUs: number,
  },
  { requiredKeys: ['strategy', 'node', 'source'] },
);

const stated = fc.record(
  {
    remaining: number,
    retryAfterS: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0), // JSON has no -0
    retryAtS: number,
    reset: number,
    resetForm: fc.constantFrom('delta' as const, 'any' as const),
    limit: number,
    windowS: number,
  },
  { requiredKeys: [] },
);

const operation = fc.record(
  {
    type: fc.constant('op' as const),
    index: fc.nat(),
    bucket: text,
    user: text,
    region: text,
    instance: text,
    process: fc.nat(),
    cost: fc.integer(),
    invokedUs: number,
    completedUs: fc.option(number),
    outcome: fc.constantFrom(...OUTCOMES),
    status: fc.nat(),
    error: text,
    decision,
    stated,
    intendedUs: number,
    policy: text,
    maxCharge: fc.nat(),
    latestUs: number,
    decisionId: text,
    charges: fc.array(fc.record({ bucket: text, cost: fc.integer() }), { minLength: 1 }),
  },
  {
    requiredKeys: [
      ...(['type', 'index', 'bucket', 'user', 'region', 'process', 'cost', 'invokedUs'] as const),
      ...(['completedUs', 'outcome'] as const),
    ],
  },
);

it('writes an operation as one line that JSON reads back the same, levels as text', () => {
  fc.assert(
    fc.property(operation, (drawn) => {
      const { levelQuanta, ...evidence } = drawn.decision ?? {};
      const level = levelQuanta === undefined ? {} : { level: String(levelQuanta) };
      const want = {
        ...drawn,
        ...(drawn.decision === undefined ? {} : { decision: { ...evidence, ...level } }),
      };
      const line = encodeRecord(drawn as Operation);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(JSON.parse(line)).toEqual(want);
    }),
    { seed: 1, numRuns: 1_000 },
  );
});
