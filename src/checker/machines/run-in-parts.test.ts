import { describe, expect, it } from 'vitest';
import type { OperationPart } from '../../../test/support/history.ts';
import { BASE, type Clock, MACHINES, NODE, readings, S, take } from '../../../test/support/part-clocks.ts';
import { historyOfParts, partOf } from '../../../test/support/part-history.ts';
import { checkHistory } from '../check.ts';
import type { CheckOptions } from '../check-options.ts';

const options: CheckOptions = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

interface Ops {
  readonly a?: readonly OperationPart[];
  readonly b?: readonly OperationPart[];
  readonly jumpUs?: number;
  readonly header?: object;
}

function judged({ a = [], b = [], jumpUs = 0, header = {} }: Ops, more: Partial<CheckOptions> = {}) {
  const parts = MACHINES.map((own, at) => ({
    part: partOf('ab'[at]),
    header,
    operations: at === 0 ? a : b,
    records: [
      ...readings(own, BASE, { there: 40_000, back: 1_000 }).map((one, quarter) =>
        at === 1 && quarter > 30 ? { ...one, atUs: one.atUs + jumpUs } : one,
      ),
      ...readings(own, NODE, { there: 20_000, back: 500 * (at + 1) }),
    ],
  }));
  return checkHistory(historyOfParts(parts, { policy: '4:1/s' }), { ...options, ...more });
}

const [A, B] = MACHINES as [Clock, Clock];

describe('a run in parts', () => {
  it('is judged by the clock of the node that refills: an ideal bucket over two machines passes', () => {
    const levels = (tokens: number) => tokens * S;
    const report = judged({
      a: [0, 1, 2, 3].map((at) => take(A, at * 1_000, {}, levels(3 - at) + Math.floor(at * 1_000 * 1.00003))),
      b: [
        take(B, 0.5 * S, { outcome: 'denied' }, Math.floor(0.5 * S * 1.00003)),
        take(B, S, {}, Math.floor(S * 1.00003) - S),
      ],
    });
    expect([report.overAdmission.total, report.falseDenials.total]).toEqual([0, 0]);
    expect(report.clock).toMatchObject({ epsilonUs: 0, rhoPpm: 0, slowPpm: 0, spreadUs: 0, steps: [] });
  });

  it('fails if machines together got more than the bucket has', () => {
    const report = judged({
      a: [0, 1, 2, 3].map((at) => take(A, at * 1_000)),
      b: [0, 1].map((at) => take(B, 0.3 * S + at * 1_000)),
    });
    expect(report.overAdmission.total).toBeGreaterThan(0);
    expect(report.verdict).toBe('fail');
  });

  it('finds a denial that was false by the clock of all machines', () => {
    const report = judged({
      a: [0, 1, 2, 3].map((at) => take(A, at * 1_000)),
      b: [take(B, 1.2 * S, { outcome: 'denied' })],
    });
    expect(report.falseDenials.total).toBe(1);
  });

  it('accuses no limiter if the clock of a machine jumped', () => {
    const ops = {
      a: [0, 1, 2, 3].map((at) => take(A, at * 1_000)),
      b: [0, 1].map((at) => take(B, 0.3 * S + at * 1_000)),
    };
    const report = judged({ ...ops, jumpUs: 200_000 });
    expect([report.verdict, report.overAdmission.total]).toEqual(['unknown', 0]);
    for (const { kind, reason } of report.claims)
      if (kind === 'correctness') expect(reason).toContain('not judged, since parts of the run contradict');
  });

  it('says of a node that stepped forth and back between two readings of one machine that it may have', () => {
    const twice = (us: number) => (us >= 4.1 * S && us < 5.1 * S ? 50_000 : 0);
    const of = (own: Clock, everyUs: number) => [
      ...readings(own, BASE, { there: 400, back: 300 }),
      ...readings(own, NODE, { there: 400, back: 300 })
        .map((one, quarter) => ({ one, us: (quarter - 8) * 250_000 }))
        .filter(({ us }) => us % everyUs === 0)
        .map(({ one, us }) => ({ ...one, serverUs: one.serverUs + twice(us) })),
    ];
    const parts = [
      { operations: [take(A, 0)], records: of(A, 3 * S) },
      { part: partOf('b'), operations: [take(B, 0)], records: of(B, 250_000) },
    ];
    const { verdict, contradictions = [] } = checkHistory(historyOfParts(parts), options);
    expect(verdict).toBe('unknown');
    expect(contradictions[0]).toMatch(
      /^two machines read the clock of n so that one of their own clocks is wrong, or that it stepped forth and back between two readings of one of them: machine machine-/,
    );
  });

  it('says how well each clock is known, and from what', () => {
    const report = judged({
      a: [0, 1, 2, 3].map((at) => take(A, at * 1_000)),
      b: [take(B, 0.1 * S, { outcome: 'denied' })],
    });
    const [a, b] = report.machines ?? [];
    expect(report.driftPpm).toBe(1_000);
    expect(a).toMatchObject({
      ...{ machine: 'machine-a', parts: ['a'] },
      readings: { base: 64, nodes: 64, decisions: 1, dropped: 0 },
    });
    expect(b?.errorUs).toBeGreaterThan(20_400);
    expect(b?.errorUs).toBeLessThan(20_800);
    expect(report.headroom?.ofClocks).toBeGreaterThan(0.02);
    expect(report.headroom?.ofClocks).toBeLessThan(0.09);
    expect(report.assumptions).toContain(
      'two clocks drift apart by at most 0.1% (--clock-drift), and those of machines do not jump',
    );
  });

  it('leaves out a decision whose time contradicts the readings of its node', () => {
    const wrong = take(A, 0);
    const decision = { ...wrong.decision, atUs: (wrong.decision?.atUs ?? 0) + 900_000 };
    const report = judged({ a: [{ ...wrong, decision } as OperationPart] });
    expect(report.machines?.[0]?.readings).toMatchObject({ decisions: 0, dropped: 1 });
  });

  it('accepts a clock that was slewed faster if the assumed drift is raised', () => {
    const ops = { a: [0, 1, 2, 3].map((at) => take(A, at * 1_000)), jumpUs: 60_000 };
    expect(judged(ops).contradictions).toHaveLength(1);
    expect(judged(ops, { clockDriftPpm: 300_000 }).contradictions).toBeUndefined();
  });

  it('is not whole without a reading that relates a machine to the base', () => {
    const operations = [take(B, 0)];
    const history = historyOfParts([
      { operations: [take(A, 0)], records: readings(A, BASE, { there: 1_000, back: 1_000 }) },
      { part: partOf('b'), operations, records: readings(B, NODE, { there: 1_000, back: 1_000 }) },
    ]);
    const report = checkHistory(history, options);
    expect(report.parts).toMatchObject({ isWhole: false, unrelated: ['machine-b'] });
    expect(report.verdict).toBe('unknown');
  });

  it.each(['article', 'external'])('is judged by the clock of the base for %s', (strategy) => {
    const ops = { a: [0, 1, 2, 3].map((at) => take(A, at * 1_000)), header: { strategy } };
    const report = judged(ops);
    expect(report.overAdmission.total).toBe(0);
    expect(report.clock.epsilonUs).toBeGreaterThan(1_000);
    expect(judged({ ...ops, b: [take(B, 0.2 * S)] }).overAdmission.total).toBe(1);
  });
});
