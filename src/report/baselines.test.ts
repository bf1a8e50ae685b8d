import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRelativeClaim } from '../checker/claims/relative-claim.ts';
import { judgeBaselines } from './baselines.ts';
import { compareReports } from './comparison.ts';
import { comparisonAnnotations, renderComparison, renderComparisonMarkdown } from './comparison-text.ts';
import type { RunReport } from './report.ts';
import { parseReport } from './schema.ts';

const FILE = join(import.meta.dirname, '../../test/fixtures/runs/central/report.json');
const central = parseReport(readFileSync(FILE, 'utf8'), FILE);

let runs = 0;

/** A run with this p99 of admissions, in milliseconds, and this throughput. */
function runOf(p99Ms: number, perSecond = 100, plan: Partial<RunReport['plan']> = {}): RunReport {
  const figures = { count: 100, p50Us: 1_000, p99Us: p99Ms * 1_000, maxUs: 9_000_000 };
  const { whole } = central;
  return {
    ...central,
    startedAt: new Date(runs++).toISOString(),
    folder: `reports/x-${p99Ms}`,
    plan: { ...central.plan, ...plan },
    whole: {
      ...whole,
      latency: { ...whole.latency, allowed: figures },
      outcomes: { ...whole.outcomes, allowed: perSecond, denied: 0 },
      lengthUs: 1_000_000,
    },
  };
}

const judge = (claim: string, run: RunReport, others: readonly RunReport[]) =>
  judgeBaselines([parseRelativeClaim(claim)], run, others);

const P99 = 'p99(allowed) <= 1.5x';

describe('a run judged by its baselines', () => {
  it.each([
    {
      title: 'as slow as the factor',
      p99s: [100],
      now: 150,
      want: 'holds',
      says: /1\.50 times the baseline \(100ms\); at most 1\.5x$/,
    },
    {
      title: 'slower than the factor',
      p99s: [100],
      now: 151,
      want: 'broken',
      says: /^p99 of 100 requests allowed was 151\.0ms, 1\.51 times the baseline \(100ms\); claimed at most 1\.5x$/,
    },
    {
      title: 'slower than every baseline, by less than the factor',
      p99s: [100, 110, 120],
      now: 165,
      want: 'holds',
      says: /1\.50 times the median of 3 baselines \(110ms\)/,
    },
    {
      title: 'slower than every baseline, and by the factor',
      p99s: [120, 110, 100],
      now: 166,
      want: 'broken',
      says: /median of 3 baselines \(110ms\), slower than each of them \(120ms\); claimed/,
    },
    {
      title: 'no slower than the slowest baseline',
      p99s: [100, 100, 400],
      now: 400,
      want: 'holds',
      says: /4\.00 times .*, but the slowest baseline was no faster \(400ms\)$/,
    },
  ])('of latency: $title: $want', ({ p99s, now, want, says }) => {
    const [result] = judge(
      P99,
      runOf(now),
      p99s.map((p99) => runOf(p99)),
    ).claims;
    expect([result?.status, result?.reason]).toEqual([want, expect.stringMatching(says)]);
  });

  it.each([
    { title: 'at the factor', rates: [100], now: 70, want: 'holds' },
    { title: 'below the factor', rates: [100], now: 69, want: 'broken' },
    {
      title: 'below the factor of the median, and not below the worst',
      rates: [100, 100, 60],
      now: 60,
      want: 'holds',
    },
  ])('of throughput: $title: $want', ({ rates, now, want }) => {
    const { claims } = judge(
      'throughput >= 0.7x',
      runOf(1, now),
      rates.map((rate) => runOf(1, rate)),
    );
    expect(claims.map(({ status }) => status)).toEqual([want]);
  });

  it('compares only runs of the same policy, topology, load and faults, whatever the limiter', () => {
    const { load } = central.plan;
    const others = [
      runOf(1, 100, { policy: '30:1/s' }),
      runOf(1, 100, { load: { ...load, connections: 7 } }),
      runOf(1, 100, { instances: 2 }),
      runOf(100, 100, { strategy: 'lease', seed: 9, claims: [], scenario: 'other' }),
    ];
    const { runs, leftOut, claims } = judge(P99, runOf(100), others);
    expect(leftOut.map(({ why }) => why)).toEqual([
      'policy "30:1/s" instead of "20:10/s"',
      `load.connections 7 instead of ${load.connections}`,
      'instances 2 instead of none',
    ]);
    expect([runs, claims[0]?.status]).toEqual([['reports/x-100'], 'holds']);
  });

  it('has itself for no baseline, nor one of them twice, nor copies of their folders', () => {
    const [run, fast, slow] = [runOf(400), runOf(100), runOf(110)];
    const { runs, leftOut, claims } = judge(P99, run, [
      fast,
      { ...fast, folder: 'copy-1' },
      slow,
      { ...run },
    ]);
    expect(runs).toEqual(['reports/x-100', 'reports/x-110']);
    expect(leftOut).toEqual([
      { folder: 'copy-1', why: 'it is given twice' },
      { folder: 'reports/x-400', why: 'it is the run itself' },
    ]);
    expect(claims.map(({ status }) => status)).toEqual(['broken']);
  });

  it('compares plans by their values, not by the order of what they have', () => {
    const [one, other] = [
      { fault: 'kill', node: 'a' },
      { node: 'a', fault: 'kill' },
    ].map((fault) => runOf(1, 100, { faults: [fault] as never }));
    expect(judge(P99, one as RunReport, [other as RunReport]).leftOut).toEqual([]);
  });

  it.each([
    { title: 'one of them', now: [100, undefined], before: [[100, 100]], want: 'unknown' },
    {
      title: 'one of them, and the other is slower',
      now: [undefined, 400],
      before: [[100, 100]],
      want: 'broken',
    },
    { title: 'no phase of a baseline', now: [100, 100], before: [[undefined, undefined]], want: 'unknown' },
    {
      title: 'one of those of a baseline',
      now: [400, 400],
      before: [
        [900, undefined],
        [100, 100],
      ],
      want: 'broken',
    },
  ])('of two phases with a name, if $title has no value: $want', ({ now, before, want }) => {
    const phased = (p99s: readonly (number | undefined)[]): RunReport => {
      const run = runOf(1);
      const phases = p99s.map((p99Ms) => {
        const { allowed, ...latency } = runOf(p99Ms ?? 0).whole.latency;
        return {
          ...run.whole,
          ...{ name: 'during kill', fromUs: 0 },
          latency: { ...latency, ...(p99Ms !== undefined && allowed && { allowed }) },
        };
      });
      return { ...run, phases };
    };
    const claim = `${P99} during kill`;
    expect(judge(claim, phased(now), before.map(phased)).claims.map(({ status }) => status)).toEqual([want]);
  });

  it('is unknown where nothing can be compared', () => {
    const reasonOf = ({ claims }: ReturnType<typeof judge>) =>
      claims.map(({ status, reason }) => [status, reason]);
    expect(reasonOf(judge(P99, runOf(1), [runOf(1, 100, { policy: '30:1/s' })]))).toEqual([
      ['unknown', `${P99}: no other run before it has the same policy, topology, load and faults`],
    ]);
    expect(reasonOf(judge('p99(failed) <= 2x', runOf(1), [runOf(1)]))).toEqual([
      ['unknown', 'p99(failed) <= 2x: no request was failed'],
    ]);
    expect(reasonOf(judge('p99(any) <= 2x during kill', runOf(1), [runOf(1)]))[0]?.[1]).toMatch(
      /^p99\(any\) <= 2x during kill: the run has no such phase/,
    );
    const silent = runOf(1);
    const { allowed: _, ...latency } = silent.whole.latency;
    const without = { ...silent, whole: { ...silent.whole, latency } };
    expect(reasonOf(judge(P99, runOf(1), [without]))).toEqual([
      ['unknown', `${P99}: no baseline has a value above 0 for this measure`],
    ]);
  });

  it('is shown as text, Markdown and annotations, with nothing that they obey', () => {
    const odd = runOf(1, 100, { policy: '30:1/s\u001b[2J`<b>\n::error::x' });
    const [run, other] = [runOf(200), runOf(100)];
    const baselines = judgeBaselines(
      [parseRelativeClaim(P99), parseRelativeClaim('throughput >= 0.5x')],
      run,
      [other, odd],
    );
    const comparison = { ...compareReports([other, odd, run]), baselines };
    const text = renderComparison(comparison, { colour: false, columns: 200 });
    expect(text).toMatch(
      /^ {2}FAIL p99 of 100 .*\n {2}ok 100 requests\/s .*\n {2}note x-1 is no baseline: policy .*\n\n┌/,
    );
    const markdown = renderComparisonMarkdown(comparison);
    expect(markdown).toMatch(
      /^# openclaw-rl compare\n\n- \*\*broken\*\* p99 .*\n- \*\*holds\*\* .*\n- \*\*note\*\* .*\n\n\| {2}\| x-100/,
    );
    expect(markdown).not.toContain('<b>');
    expect(`${text}${markdown}`).not.toContain('\u001b');
    expect(comparisonAnnotations(comparison)).toMatch(
      /^::error title=openclaw-rl compare%3A p99\(allowed\) <= 1\.5x::p99 .*\n::notice title=openclaw-rl compare::x-1 is .*\n$/,
    );
  });
});

describe('a relative claim', () => {
  it.each([
    ['p99( allowed )<=2.0x', 'p99(allowed) <= 2x'],
    ['max <= 1x  during   partition', 'max(any) <= 1x during partition'],
    ['throughput >= 0.75x before', 'throughput >= 0.75x before'],
  ])('%s is %s', (text, want) => {
    expect(parseRelativeClaim(text).text).toBe(want);
    expect(parseRelativeClaim(want)).toEqual(parseRelativeClaim(text));
  });

  it.each([
    ['p99(allowed) <= 0.9x', /must be a factor of at least 1, like 1\.5x/],
    ['throughput >= 1.1x', /must be a factor of at most 1, like 0\.7x/],
    ['throughput >= 0x', /must be a factor of at most 1/],
    ['p99(allowed) <= 250ms', /must be a factor of at least 1/],
    ['total-excess <= 2x', /total-excess is no speed; expected p50, p99, max or throughput, or gate --claim/],
    ['p99 >= 2x', /p99 needs the operator <=/],
    ['p98 <= 2x', /unknown measure "p98"; did you mean p9?9/],
  ])('%s is refused', (text, why) => {
    expect(() => parseRelativeClaim(text)).toThrow(why);
  });
});
