import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../../test/support/history.ts';
import { runOf } from '../../../test/support/html.ts';
import type { FaultRecord, HistoryRecord } from '../../history/records/operation.ts';
import { makeComparisonPage } from './comparison-page.ts';
import { renderHtml } from './render.ts';
import { makeRunPage } from './run-page.ts';

const S = 1_000_000;
const at = (atS: number, part: OperationPart = {}): OperationPart => ({
  bucket: 'a',
  region: 'west',
  invokedUs: atS * S - 2_000,
  completedUs: atS * S,
  ...part,
});
const fault = (phase: FaultRecord['phase'], atS: number): HistoryRecord => ({
  type: 'fault',
  fault: 'partition',
  phase,
  atUs: atS * S,
  args: { isolate: ['west'] },
});
const role = (node: string, atS: number, args: Record<string, string>): HistoryRecord => ({
  type: 'event',
  event: 'role',
  node,
  atUs: atS * S,
  args,
});

function pageOf(parts: readonly OperationPart[], records: readonly HistoryRecord[] = [], policy = '2:1/s') {
  const { report, evidence } = runOf(historyOf(parts, { policy, records }));
  return makeRunPage(report, evidence);
}

describe('what a page has over time', () => {
  it('counts an operation where it ended, and one without a reply where it began', () => {
    const lost = { outcome: 'info', completedUs: null, invokedUs: 0.06 * S } as const;
    const { series, regions } = pageOf([
      at(0.01),
      at(0.12),
      at(0.13, { outcome: 'denied' }),
      { ...at(0), ...lost },
    ]);
    expect(regions).toEqual(['west']);
    expect(series).toMatchObject({ startUs: 0, binUs: 50_000, bins: 3 });
    const [west] = series?.byRegion ?? [];
    expect(west?.counts.allowed).toEqual([1, 0, 1]);
    expect(west?.counts.denied).toEqual([0, 0, 1]);
    expect(west?.counts.info).toEqual([0, 1, 0]);
  });

  it('has exact percentiles of each bin, of a region and of all', () => {
    const lasting = (ms: number, region: string): OperationPart => ({
      bucket: `${ms}`,
      region,
      invokedUs: 200_000,
      completedUs: 200_000 + 1_000 * ms,
    });
    const { series } = pageOf([
      ...[1, 2, 3].map((ms) => lasting(ms, 'a')),
      ...[10, 20].map((ms) => lasting(ms, 'b')),
    ]);
    expect(series?.byRegion.map(({ latency }) => latency.allowed)).toEqual([
      { p50: [2], p99: [3] },
      { p50: [10], p99: [20] },
    ]);
    expect(series?.latency.allowed).toEqual({ p50: [3], p99: [20] });
    expect(series?.latency.denied).toEqual({ p50: [null], p99: [null] });
  });

  it('has what was too much and what was denied falsely where it happened', () => {
    const { series } = pageOf([
      ...[1, 1, 1].map((atS) => at(atS, { bucket: 'over' })),
      at(2, { bucket: 'false', outcome: 'denied' }),
    ]);
    const [west] = series?.byRegion ?? [];
    const sum = (values: readonly number[] = []) => values.reduce((all, value) => all + value, 0);
    expect(sum(west?.excess)).toBeCloseTo(0.998, 3); // 3 within 2 ms, of 2 and 2 ms of refill
    expect(west?.excess.findIndex((tokens) => tokens > 0)).toBe((1 * S - (series?.startUs ?? 0)) / 50_000);
    expect(sum(west?.falseDenials)).toBe(1);
  });

  it('never has more than 400 bins', () => {
    for (const lengthS of [1, 30, 3_600, 400_000, 90_000_000]) {
      const { series } = pageOf([at(1), at(1 + lengthS)]);
      expect(series?.bins).toBeLessThanOrEqual(402);
    }
  });

  it('joins a fault with its end, and names takeovers only as such', () => {
    const { spans, marks } = pageOf(
      [at(1)],
      [
        fault('inject', 2),
        fault('heal', 4),
        fault('settled', 5),
        fault('inject', 6),
        role('n1', 3, { from: 'replica', to: 'primary' }),
        role('n2', 3.2, { from: 'replica', to: 'down' }),
        role('n2', 3.5, { from: 'down', to: 'primary' }),
      ],
    );
    expect(spans).toEqual([
      { name: 'partition', how: 'isolate ["west"]', fromUs: 2 * S, untilUs: 4 * S },
      { name: 'partition', how: 'isolate ["west"]', fromUs: 6 * S, untilUs: null },
    ]);
    expect(marks.map(({ kind, name }) => `${kind}: ${name}`)).toEqual([
      'failover: n1 takes over',
      'other: n2 does not answer',
      'other: n2 is primary',
      'settled: settled after partition',
    ]);
  });

  it('puts the regions beyond the twelfth into one', () => {
    const { regions, series } = pageOf(
      Array.from({ length: 30 }, (_, i) => at(1, { region: `r${i}`, bucket: `${i}` })),
    );
    expect([regions.length, regions.at(-1)]).toEqual([12, 'others']);
    expect(series?.byRegion.at(-1)?.counts.allowed.reduce((sum, one) => sum + one)).toBe(19);
  });
});

describe('the buckets of a page', () => {
  it('are the worst, then the busiest, with what is wrong marked', () => {
    const page = pageOf([
      ...[1, 2, 3, 4].map((atS) => at(atS, { bucket: 'busy' })),
      ...[1, 1, 1].map((atS) => at(atS, { bucket: 'over' })),
      at(1, { bucket: 'false', outcome: 'denied' }),
      at(1, { bucket: 'quiet' }),
    ]);
    expect(page.worst.map(({ bucket }) => bucket)).toEqual(['over', 'false', 'busy', 'quiet']);
    expect(page.buckets.map(({ name, violations }) => [name, violations.map(({ kind }) => kind)])).toEqual([
      ['over', ['over-admission']],
      ['false', ['false-denial']],
      ['busy', []],
      ['quiet', []],
    ]);
    const [over, wrong] = page.worst;
    expect(over?.proofs[0]).toMatchObject({
      kind: 'over-admission',
      formula: { admitted: 3, capacity: 2, perSecond: 1, slack: 0, allowance: 2.002 },
    });
    expect(over?.proofs[0]?.witness).toHaveLength(3);
    expect(wrong?.proofs[0]).toMatchObject({ kind: 'false-denial', floor: { cost: 1, lowest: 2 } });
  });

  it.each([
    { status: 'holds', unit: 'bound', declared: 20, tile: '6.816 tokens of 20 declared' },
    { status: 'broken', unit: 'bound', tile: '6.816 tokens of 20 declared' },
    { status: 'holds', unit: 'tokens', tile: '6.816 tokens of 20 declared' },
    { status: 'holds', unit: 'bound', bound: 0, tile: '6.816 tokens' },
    { status: 'unknown', unit: 'bound', bound: null, tile: '6.816 tokens' },
  ] as const)('say what is declared of an excess: $status, $unit', (run) => {
    const { report } = runOf(historyOf([at(1)]));
    const [shard, claim] = [report.shards[0], report.claims[0]];
    if (shard === undefined || claim === undefined) throw new Error('there is one of each');
    const bound = 'bound' in run ? run.bound : 20;
    const page = makeRunPage({
      ...report,
      overAdmission: { ...report.overAdmission, largestExcess: 6.816 },
      shards: [
        { ...shard, bound: { totalExcess: 0, worstWindow: 0, formula: 'x' } },
        {
          ...shard,
          largestExcess: { bucket: 'a', tokens: 6.816 },
          bound: { totalExcess: bound, worstWindow: bound, formula: 'x' },
        },
      ],
      claims: [{ ...claim, claim: 'total-excess <= bound', unit: run.unit, status: run.status }],
    });
    expect(Object.fromEntries(page.figures)['largest excess of one bucket']).toBe(run.tile);
    expect(page.declared).toBe('declared' in run ? run.declared : undefined);
  });

  it('say their own formula only where no refund is in it', () => {
    const page = pageOf([...[1, 1, 1, 1].map((atS) => at(atS)), at(1, { cost: -1 })]);
    expect(page.worst[0]?.proofs[0]?.formula).toBeUndefined();
    expect(page.worst[0]?.proofs[0]?.sentence).toMatch(/1 refunded/);
  });

  it('are cut to the stretch around what is worst where they are too long', () => {
    const many = Array.from({ length: 30_000 }, (_, i) => at(1 + i / 1_000, { outcome: 'denied' }));
    const page = pageOf(
      [...many, ...[29, 29, 29].map((atS) => at(atS)), at(40, { bucket: 'other' })],
      [],
      '2:1/1000s',
    );
    const [bucket] = page.buckets;
    expect([bucket?.invokedUs.length, bucket?.of]).toEqual([20_000, 30_003]);
    expect(bucket?.violations.map(({ kind }) => kind)).toContain('over-admission');
    expect(page.notes.join(' ')).toMatch(/only the operations around the worst violation/);
  });
});

describe('the file', () => {
  it('cannot be left by anything that is in it', () => {
    const { report, evidence } = runOf(historyOf([at(1, { bucket: '</script><!--\u2028' })]));
    const assets = { script: 'S', style: 'C', scriptHash: 'sha256-s', styleHash: 'sha256-c' };
    const html = renderHtml(makeRunPage(report, evidence), assets);
    const [, json = ''] = /id="data">(.*)<\/script>\n<script>S<\/script>/.exec(html) ?? [];
    expect(json).not.toMatch(/[<\u2028\u2029]/);
    expect(JSON.parse(json).buckets[0].name).toBe('</script><!--\\u2028');
  });
});

describe('a comparison', () => {
  it('has bins of one width, and marks what differs', () => {
    const short = runOf(historyOf([at(1), at(2)]));
    const long = runOf(historyOf([at(1), at(200)]));
    const { runs, rows } = makeComparisonPage([short, long]);
    expect(runs.map(({ letter, series }) => [letter, series?.binUs])).toEqual([
      ['A', 500_000],
      ['B', 500_000],
    ]);
    const differs = (name: string) => rows.find((row) => row.name === name)?.differs;
    expect(differs('requests')).toEqual([false, false]);
    expect(differs('verdict')).toEqual([false, false]);
    expect(differs('contested buckets')).toEqual([false, false]);
  });
});
