import { describe, expect, it } from 'vitest';
import { judgeHistory } from '../../src/checker/judge-history.ts';
import type { DecisionSource } from '../../src/core/decision.ts';
import { historyOf, type OperationPart } from '../support/history.ts';

const by = (source: DecisionSource) =>
  ({ strategy: 'central', node: 'none', source, charge: 'none' }) as const;

/** A region that is cut off: its share of a third of 20 tokens admits six takes. */
const admitted: readonly OperationPart[] = Array.from({ length: 6 }, (_, at) => ({
  ...{ invokedUs: 10_000 * at, completedUs: 10_000 * at + 1_000, decision: by('fallback') },
}));
const denied = (source: DecisionSource): OperationPart => ({
  ...{ outcome: 'denied', invokedUs: 60_000, completedUs: 61_000, decision: by(source) },
});
const judged = (...parts: readonly OperationPart[]) =>
  judgeHistory(historyOf([...admitted, ...parts]), { contested: 0 });

describe('the seventh take of a region that has a share of six, while the bucket holds fourteen', () => {
  it('is denied by the share as declared: no false denial, and no proof that there is none', () => {
    const { verdict, falseDenials } = judged(denied('fallback'));
    expect([verdict === 'fail', falseDenials.total, falseDenials.judged]).toEqual([false, 0, 0]);
  });

  it('is a false denial where the bucket denied it, also next to a denial of the share', () => {
    for (const parts of [[denied('redis')], [denied('fallback'), denied('redis')]]) {
      const { verdict, falseDenials } = judged(...parts);
      expect([verdict, falseDenials.total, falseDenials.judged]).toEqual(['fail', 1, 1]);
    }
  });

  it('proves nothing of it where the bucket may be charged for what the share answered', () => {
    const open = admitted.map(({ decision: _, ...part }) => ({
      ...part,
      decision: { ...by('fallback'), charge: 'possible' as const },
    }));
    const parts = [...open, ...open.slice(0, 4), denied('redis')];
    expect(judgeHistory(historyOf(parts), { contested: 0 }).falseDenials).toMatchObject({
      total: 0,
      judged: 1,
    });
  });
});
