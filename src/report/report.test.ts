import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { historyOf, type OperationPart } from '../../test/support/history.ts';
import { checkHistory } from '../checker/check.ts';
import { parseClaim } from '../checker/claims/claim.ts';
import { EVIDENCE_BROUGHT } from '../checker/claims/evidence-claims.ts';
import type { Finding } from '../checker/findings/finding.ts';
import { jsonText } from '../cli/output/output.ts';
import type { FaultRecord, HistoryRecord } from '../history/records/operation.ts';
import type { Plan } from '../scenario/plan.ts';
import { renderAnnotations } from './annotations.ts';
import { compareReports, comparisonTable } from './comparison.ts';
import { makeRunPage } from './html/run-page.ts';
import { judgeAgain } from './judge-again.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { makeReport, type RunReport } from './report.ts';
import { parseReport, reportJsonSchema } from './schema.ts';
import { renderTable } from './table.ts';
import { renderTimeline } from './timeline.ts';

const S = 1_000_000;
const FIXTURES = join(import.meta.dirname, '../../test/fixtures/runs');
const kept = (name: string) => readFileSync(join(FIXTURES, name, 'report.json'), 'utf8');
const article = parseReport(kept('article'), 'article');
const central = parseReport(kept('central'), 'central');

const PLAN: Plan = {
  ...central.plan,
  scenario: 'partition',
  claims: [
    'total-excess <= bound',
    'info <= 5%',
    'contested >= 0',
    'sides >= 0%',
    'exercised >= 0%',
    'failed <= 100%',
    'headroom <= 100%',
  ],
};
const fault = (phase: FaultRecord['phase'], atS: number): FaultRecord => ({
  type: 'fault',
  fault: 'partition',
  phase,
  atUs: atS * S,
  args: { isolate: ['eu-west'], mode: 'blackhole' },
});
const RECORDS: readonly HistoryRecord[] = [
  fault('inject', 5),
  fault('heal', 15),
  {
    type: 'event',
    event: 'role',
    node: 'ap-south-1',
    atUs: 7.1 * S,
    args: { from: 'replica', to: 'primary', slots: '5461-10921' },
  },
];
const decided = (node: string, region: string, atS: number, level: number): OperationPart => ({
  bucket: 'ratings:u1',
  region,
  invokedUs: atS * S - 1_000,
  completedUs: atS * S,
  decision: {
    strategy: 'central',
    source: 'redis',
    node,
    atUs: 1.7e15 + atS * S,
    bucketUs: 1.7e15 + atS * S,
    levelQuanta: Math.round(level * 100_000_000),
  },
});

/** 2 tokens, one every 100 s: drained on eu-west-0 at 6 s, and again on its replica, which knew nothing of it. */
function failoverRun(changes: readonly OperationPart[] = [], plan = PLAN): RunReport {
  const parts = [
    decided('eu-west-0', 'eu-west', 1, 1),
    decided('eu-west-0', 'eu-west', 6, 0.05),
    decided('ap-south-1', 'us-east', 8, 1),
    decided('ap-south-1', 'us-east', 16, 0.08),
    ...changes,
  ];
  const check = checkHistory(historyOf(parts, { policy: '2:1/100s', records: RECORDS }), {
    busiest: [],
    claims: plan.claims.map(parseClaim),
    boundOf: () => ({ totalExcess: 2, worstWindow: 2, formula: '(2 + 0.01/s * 0 s overlap) = 2' }),
  });
  const facts = { command: 'openclaw-rl run partition.yaml --seed 1', startedAt: '2026-11-25T00:00:00.000Z' };
  return makeReport({
    plan,
    ...facts,
    folder: 'reports/x-partition-1',
    system: 'redis 8',
    loadMs: 20_000,
    check,
    latencies: [],
  });
}

describe('the report of a run', () => {
  it('survives being written and read', () => {
    const report = failoverRun();
    expect(parseReport(JSON.stringify(report), 'x')).toEqual(report);
  });

  it.each([
    ['article', kept('article')],
    ['central', kept('central')],
    ['failover', JSON.stringify(failoverRun())],
  ])('of %s is as the published schema says', async (_, text) => {
    const schema = reportJsonSchema();
    await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(
      join(import.meta.dirname, '../../reports/report.schema.json'),
    );
    const validate = new Ajv2020({ strict: false }).compile(schema);
    expect(validate(JSON.parse(text)), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...JSON.parse(text), verdict: 'perhaps' })).toBe(false);
  });

  it.each([
    { title: 'no JSON', text: '{', says: /^r: it is not JSON/ },
    {
      title: 'something else',
      text: '{"format":"openclaw-check"}',
      says: /must be "openclaw-report"; found "openclaw-check"/,
    },
    { title: 'nothing', text: 'null', says: /must be "openclaw-report"; found undefined/ },
    {
      title: 'an old version',
      text: '{"format":"openclaw-report","version":1}',
      says: /version must be 3; found 1/,
    },
    {
      title: 'one that lacks something',
      text: kept('central').replace('"sent"', '"gone"'),
      says: /^r: sent: /,
    },
  ])('$title is refused', ({ text, says }) => {
    expect(() => parseReport(text, 'r')).toThrow(says);
    expect(() => parseReport(text, 'r')).toThrow(expect.objectContaining({ code: 'INVALID_REPORT' }));
  });

  it('shows as text the verdict, then takeovers, lost decisions and the bound', () => {
    const text = renderTable(failoverRun(), { colour: false });
    expect(text).toMatch(
      /^verdict {2}pass\n {2}ok ratings:u1 of shard eu-west-0 admitted 1\.8\d* tokens beyond an ideal bucket, the most of 1 bucket \(bound 2 tokens\)\n/,
    );
    expect(text).toMatch(
      /\n {2}note ap-south-1 became primary without 2 or more decisions that eu-west-0 had acknowledged \(noticed at 8 s\): .* tokens in 1 bucket could be spent again; it breaks no claim: total-excess <= bound holds\n/,
    );
    for (const row of [
      /│ eu-west-0 │ 1 +│ 1\.8\d+ +│ 2 +│ 1\.8\d+ +│ 2 +│/,
      /│ 7\.100 +│ role of ap-south-1 │ replica to primary, slots 5461-10921 +│/,
      /│ 5\.000 +│ inject partition +│ isolate \["eu-west"\], mode blackhole +│/,
      /│ during partition, eu-west │ 1 /,
      /│ during partition, us-east │ 1 /,
      /│ ratings:u1 +│ eu-west-0 +│ ap-south-1 +│ 2 +│/,
    ])
      expect(text).toMatch(row);
    expect(text).toMatch(
      /\nseed {5}1\nagain {4}openclaw-rl run partition\.yaml --seed 1\nkept in {2}reports\/x-partition-1\n$/,
    );
  });

  it('says what a failure policy admitted, and that nothing is declared for it', () => {
    const [shard, ...rest] = central.shards;
    if (shard === undefined) throw new Error('the fixture has no shard');
    const bound = { totalExcess: null, worstWindow: null, formula: 'nothing, since' };
    const fallbacks = [
      { region: 'eu-west', fromUs: 0, untilUs: S, admissions: 3 },
      { region: 'ap-south', fromUs: 0, untilUs: S, admissions: 4 },
    ];
    const plan = { ...central.plan, onFailure: 'open' as const };
    const text = renderTable(
      { ...central, plan, shards: [{ ...shard, bound, fallbacks }, ...rest] },
      { colour: false },
    );
    const admitted = /│ admitted by failure policy │ 7 operations, in ap-south, eu-west/;
    expect(text).toMatch(admitted);
    const ofPolicies = ['burst=10:10/s', 'hourly=1000:1000/h'].map((policy) => ({
      ...shard,
      policy,
      fallbacks,
    }));
    expect(renderTable({ ...central, shards: ofPolicies }, { colour: false })).toMatch(admitted);
    const onlyShares = [
      { ...shard, shard: '', bound: { totalExcess: 7, worstWindow: 7, formula: 'shares' } },
    ];
    expect(renderTable({ ...central, shards: onlyShares }, { colour: false })).toMatch(
      /│ failure policy only +│ shares/,
    );
    expect(text).toMatch(new RegExp(`│ ${shard.shard} +│ \\d+ +│ [\\d.]+ +│ nothing +│ [\\d.]+ +│ nothing`));
    expect(text).toMatch(new RegExp(`│ ${shard.shard} +│ nothing, since`));
    expect(text).toMatch(/run {6}central with --on-failure open, policy/);
  });

  it('keeps what others named from moving a cursor, being markup, or ending a document', () => {
    const evil = '\u001b[2J</testsuite>]]>|<b>&\u202e`x`\n::error::\ud800 [a](http://b) @me ```';
    const parts = [1, 2, 3].map(() => ({
      bucket: evil,
      region: evil,
      invokedUs: 19 * S,
      completedUs: 19 * S,
    }));
    const report = failoverRun(parts);
    const control = /[^\n\P{Cc}]|\u202e/u;
    expect(renderTable(report, { colour: false })).not.toMatch(control);
    const markdown = renderMarkdown(report);
    expect(markdown).not.toMatch(control);
    const [prose = ''] = markdown.split('```text');
    expect(prose).not.toMatch(/<b>|[^\\]\[a\]|@me|http:\/\/|[^\\]`x/);
    expect(markdown.match(/```/g)?.length).toBe(2 * (markdown.match(/^```(text|sh)$/gm)?.length ?? 0));
    const xml = renderJunit(report);
    expect(xml).not.toMatch(control);
    expect(xml.match(/<\/testsuite>/g)).toHaveLength(1);
    expect(xml).not.toContain('\ud800');
  });

  it('escapes commands to GitHub Actions in all printed texts', () => {
    const names = ['::error title=x::y', ' ::warning::', 'u ##[error]z'];
    const parts = names.flatMap((name) =>
      [1, 2, 3].map(() => ({ bucket: name, region: name, invokedUs: 19 * S, completedUs: 19 * S })),
    );
    const report = failoverRun(parts);
    const named = { ...report, diagnosis: names, troubles: names };
    const evil = {
      ...named,
      ...judgeAgain(named, ['failed <= 0% during ::error::', 'info <= 0% during ##[error]z']),
    };
    const printed = [
      renderTable(evil, { colour: false }),
      renderMarkdown(evil),
      renderJunit(evil),
      jsonText(evil),
      renderTimeline({ ...report.overAdmission.findings[0], bucket: names[0] } as Finding).join('\n'),
    ];
    for (const text of printed) {
      expect(text).toMatch(/::|0023#/);
      expect(text).not.toMatch(/^\s*::|##\[/m);
    }
    expect(renderAnnotations(evil)).not.toMatch(
      /##\[|^(?!::(error|warning|notice) title=openclaw-rl partition)./m,
    );
  });

  it('says in every form what the verdict assumes', () => {
    const report = { ...central, assumptions: ['the clock was <b>not</b> read'] };
    expect(parseReport(JSON.stringify(report), 'x').assumptions).toEqual(report.assumptions);
    expect(renderTable(report, { colour: false })).toContain('  assumes the clock was <b>not</b> read\n');
    expect(renderMarkdown(report)).toMatch(/^- \*\*assumes\*\* the clock was .{1,5}b/m);
    expect(renderJunit(report)).toContain('assumes the clock was &lt;b&gt;not');
    expect(makeRunPage(report).facts).toContainEqual(['assumes', report.assumptions[0]]);
  });

  it('has the notes of the run in every form, also judged again', () => {
    const report = { ...central, notes: ['the clock of <b>n</b> stepped back 30 s'] };
    expect(parseReport(JSON.stringify(report), 'x').notes).toEqual(report.notes);
    expect(renderTable(report, { colour: false })).toContain('  note the clock of <b>n</b> stepped');
    expect(renderMarkdown(report)).toMatch(/^- \*\*note\*\* the clock of .{1,5}b/m);
    expect(renderJunit(report)).toContain('note the clock of &lt;b&gt;n');
    expect(makeRunPage(report).remarks).toEqual(report.notes);
    expect(judgeAgain(report, ['info <= 5%']).notes).toEqual(report.notes);
  });

  it('V13: tells causes from notes on the page', () => {
    const { why, remarks } = makeRunPage({ ...article, notes: ['the load was late'] });
    expect(why).toEqual([expect.stringMatching(/^tokens come in whole-second steps/)]);
    expect(remarks).toEqual(['the load was late']);
  });

  it('calls a claim of which nothing is known an error in JUnit, not skipped', () => {
    const xml = renderJunit(judgeAgain(central, ['failed <= 0% during kill']));
    expect(xml).toMatch(/ failures="0" errors="1" skipped="0">/);
    expect(xml).toMatch(
      /name="failed &lt;= 0% during kill" time="0"><error type="evidence" message="failed &lt;= 0% during kill: the run has/,
    );
  });
});

describe('annotations', () => {
  it('are an error for a broken claim, a warning for what is not known, and why', () => {
    const [first, second, third, ...rest] = renderAnnotations(article).split('\n');
    expect(first).toMatch(/^::error title=openclaw-rl bench%3A total-excess <= 0::2 buckets over-admitted; /);
    expect(second).toMatch(/^::error title=openclaw-rl bench%3A false-denials <= 0::/);
    expect(third).toMatch(
      /^::warning title=openclaw-rl bench%3A replay <= 0::replay <= 0: no decision reports/,
    );
    expect(rest[0]).toMatch(
      /^::notice title=openclaw-rl bench%3A why::tokens come in whole-second steps: \d+%25 of /,
    );
    expect(renderAnnotations(central)).toBe('');
  });
});

describe('the gate', () => {
  const SEEN = { sides: { count: 3, joined: 3, leftOut: [] }, exercises: [] };

  it.each([
    { claims: [], verdict: 'pass' },
    { claims: ['p99(allowed) <= 10s'], verdict: 'pass' },
    { claims: ['p99(allowed) <= 1us'], verdict: 'pass', broken: 'p99(allowed) <= 0.001ms' },
    { claims: ['contested >= 4'], verdict: 'unknown' },
    { claims: ['total-excess <= 0 during kill'], verdict: 'unknown' },
    { claims: ['total-excess <= 0', 'info<=5%'], verdict: 'unknown' }, // it was kept before sides were sought
    { claims: ['total-excess <= 0'], seen: SEEN, verdict: 'pass' },
  ])('judges a kept run by its claims and $claims: $verdict', ({ claims, verdict, broken, seen }) => {
    const again = judgeAgain({ ...central, ...seen }, claims);
    expect(again.verdict).toBe(verdict);
    expect(again.claims.find(({ status }) => status === 'broken')?.claim).toBe(broken);
    expect(new Set(again.claims.map(({ claim }) => claim)).size).toBe(again.claims.length);
  });

  it.each([
    { strategy: 'central', headroom: 'headroom <= 50%' },
    { strategy: 'external', headroom: 'headroom <= 25%' },
  ])('brings $headroom where $strategy decided, and the help says so', ({ strategy, headroom }) => {
    const plan = { ...central.plan, strategy };
    const again = judgeAgain({ ...central, plan, claims: [] }, ['total-excess <= 0']);
    const brought = again.claims.slice(1).map(({ claim }) => claim);
    const evidence = ['contested >= 1', 'sides >= 100%', 'info <= 50%', 'failed <= 90%'];
    expect(brought).toEqual([...evidence, headroom]);
    for (const claim of brought) expect(EVIDENCE_BROUGHT).toContain(claim);
  });

  it('repeats the reasons of a kept run without more claims', () => {
    const asked = { ...PLAN, claims: PLAN.claims.filter((claim) => !claim.startsWith('exercised')) };
    const unknown = failoverRun([], asked);
    expect(unknown.verdict).toBe('unknown'); // by a claim that the history brought
    expect(judgeAgain(unknown, [])).toEqual(unknown);
    for (const report of [article, central, failoverRun()]) expect(judgeAgain(report, [])).toEqual(report);
  });
});

describe('a comparison', () => {
  it('has a column for each run, and ratios to the first', () => {
    const comparison = compareReports([central, article]);
    const figure = (name: string) => comparison.figures.find((one) => one.name === name);
    expect(figure('requests')?.ratios).toEqual([1, article.sent / central.sent]);
    expect(figure('total excess')?.ratios).toEqual([null, null]);
    const { head, rows } = comparisonTable(comparison);
    expect(head[2]).toMatch(/^\d{8}T\d{9}Z-bench-1$/);
    expect(rows.slice(0, 2)).toEqual([
      ['verdict', 'pass', 'fail', ''],
      ['limiter', 'central', 'article', ''],
    ]);
    expect(rows).toContainEqual(['replay <= 0', 'holds', 'unknown', '']);
    expect(new Set(rows.map(({ length }) => length))).toEqual(new Set([head.length]));
  });

  it('says which run was simulated', () => {
    const { rows } = comparisonTable(compareReports([central, { ...central, simulated: true }]));
    expect(rows[0]).toEqual(['verdict', 'pass', 'pass, simulated', '']);
  });
});
