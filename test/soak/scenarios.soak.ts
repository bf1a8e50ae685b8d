import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ONLY_SIMULATED } from '../../src/cli/files/scenario-names.ts';
import type { RunReport } from '../../src/report/report.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { logSoak } from '../support/soak-log.ts';
import { runVerified } from '../support/verified-run.ts';

/** All ten, or those of the environment: `OPENCLAW_SOAK_SEEDS=9,10`. */
const SEEDS = (process.env.OPENCLAW_SOAK_SEEDS ?? '1,2,3,4,5,6,7,8,9,10').split(',').map(Number);
/** All, or those of the environment: `OPENCLAW_SOAK_SCENARIOS=lease-partition`. */
const ASKED = process.env.OPENCLAW_SOAK_SCENARIOS?.split(',');
const SCENARIOS = readdirSync(join(import.meta.dirname, '../../scenarios'))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.replace('.yaml', ''))
  .filter((scenario) => ASKED?.includes(scenario) ?? !ONLY_SIMULATED.includes(scenario));
/** These break their promise; every other scenario keeps it. */
const CONVICTED = ['article-limiter', 'active-active-lww', 'replica-reads'];

const runs = new Map<string, RunReport[]>(SCENARIOS.map((scenario) => [scenario, []]));

it.each(SEEDS)('every scenario gives the verdict that it is there for: seed %i', async (seed) => {
  const folder = testFolder();
  expect((await runCli(['up'], { cwd: folder })).code).toBe(0);
  for (const scenario of SCENARIOS) {
    const { stdout, stderr } = await runVerified(['run', scenario, '--seed', String(seed), '--json'], {
      cwd: folder,
    });
    expect(stdout, stderr).not.toBe('');
    const report: RunReport = JSON.parse(stdout);
    runs.get(scenario)?.push(report);
    const { verdict, claims } = report;
    const wanted = CONVICTED.includes(scenario) ? 'fail' : 'pass';
    expect.soft(verdict, `${scenario}: ${JSON.stringify(claims)}`).toBe(wanted);
  }
  await runCli(['down'], { cwd: folder });
  expect(processesMentioning(folder)).toEqual([]);
  log(runs);
});

function log(runs: ReadonlyMap<string, readonly RunReport[]>): void {
  logSoak(`${ASKED?.join(', ') ?? 'every scenario'}, seeds ${SEEDS.join(', ')}`, [
    '| scenario | runs | verdicts | unaccounted | largest excess, tokens | its bound | worst window | lost decisions | failed | info | contested, least | requests/s, median | buckets proved |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...[...runs].map(([scenario, reports]) => `| ${[scenario, ...rowOf(reports)].join(' | ')} |`),
  ]);
}

function rowOf(reports: readonly RunReport[]): string[] {
  const most = (of: (report: RunReport) => number) => Math.max(...reports.map(of));
  const sum = (of: (report: RunReport) => number) =>
    String(reports.reduce((total, report) => total + of(report), 0));
  const verdicts = (['pass', 'fail', 'unknown'] as const)
    .map((verdict) => [reports.filter((report) => report.verdict === verdict).length, verdict] as const)
    .filter(([count]) => count > 0);
  const worst = reports.toSorted((a, b) => b.overAdmission.largestExcess - a.overAdmission.largestExcess)[0];
  const shard = worst?.shards.toSorted((a, b) => b.largestExcess.tokens - a.largestExcess.tokens)[0];
  const rates = reports.map(({ requestsPerSecond }) => requestsPerSecond).sort((a, b) => a - b);
  return [
    String(reports.length),
    verdicts.map(([count, verdict]) => `${count} ${verdict}`).join(', '),
    String(most(({ unaccounted }) => unaccounted)),
    most(({ overAdmission }) => overAdmission.largestExcess).toFixed(1),
    shard?.bound?.totalExcess?.toFixed(1) ?? 'none declared',
    most(({ shards }) => Math.max(0, ...shards.map(({ worstWindow }) => worstWindow.tokens))).toFixed(1),
    sum(({ lostDecisions }) => lostDecisions.reduce((total, { decisions }) => total + decisions, 0)),
    sum(({ outcomes }) => outcomes.failed),
    sum(({ outcomes }) => outcomes.info),
    String(Math.min(...reports.map(({ contested }) => contested.busiest))),
    String(rates[rates.length >> 1] ?? 0),
    provedOf(reports),
  ];
}

/** Of the buckets that are neither within their bound nor convicted. */
function provedOf(reports: readonly RunReport[]): string {
  const proofs = reports.flatMap((report) => report.proofs ?? []);
  const proved = proofs.reduce((sum, one) => sum + one.proved + one.admissionsProved, 0);
  const all = proofs.reduce((sum, one) => sum + one.open, proved);
  return `${proved} of ${all}`;
}
