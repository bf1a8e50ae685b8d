import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ONLY_SIMULATED } from '../../src/cli/files/scenario-names.ts';
import type { RunReport } from '../../src/report/report.ts';
import { callCli } from '../support/call-cli.ts';
import { runCli } from '../support/cli.ts';
import { testFolderOfSuite } from '../support/inspect.ts';
import { logSoak } from '../support/soak-log.ts';

/** All, or those of the environment: `OPENCLAW_SOAK_SCENARIOS=baseline,kill-primary`. */
const ASKED = process.env.OPENCLAW_SOAK_SCENARIOS?.split(',');
const SCENARIOS = readdirSync(join(import.meta.dirname, '../../scenarios'))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.replace('.yaml', ''))
  .filter((scenario) => ASKED?.includes(scenario) ?? !ONLY_SIMULATED.includes(scenario));
const LEASE_SEEDS = (process.env.OPENCLAW_SOAK_SEEDS ?? '1,2,3,4,5,6,7,8,9,10').split(',').map(Number);

/** These break their promise, as their first lines say. */
const CONVICTED = ['fail-open-partition', 'store-outage-open'];

interface Pair {
  readonly scenario: string;
  withHomes?: RunReport;
  without?: RunReport;
}

let folder = '';
const pairs: Pair[] = [];
/** A sentence for each scenario that has no homes. */
const leftOut: string[] = [];
const leases: RunReport[] = [];

beforeAll(async () => {
  folder = testFolderOfSuite();
  expect((await callCli(['up'], { cwd: folder })).code).toBe(0);
});
afterAll(async () => {
  await callCli(['down'], { cwd: folder });
});

/** How many runs had too little evidence, as on a busy machine, and were made once more. */
let repeated = 0;

async function scenarioRun(...args: string[]) {
  const run = () => runCli(['run', ...args, '--json'], { cwd: folder });
  const first = await run();
  if (first.code !== 2) return first;
  repeated++;
  return run();
}

it.each(SCENARIOS)('%s has the verdict that it is there for with homes, or has none', async (scenario) => {
  const { code, stdout, stderr } = await scenarioRun(scenario, '--homes');
  const [, why] = /homes: (.*)/.exec(stderr) ?? [];
  if (code === 64 && why !== undefined) {
    leftOut.push(`${scenario} (${why.split(/[;,]/)[0]})`);
    return;
  }
  expect(stdout, stderr).not.toBe('');
  const withHomes: RunReport = JSON.parse(stdout);
  pairs.push({ scenario, withHomes });
  log();
  const wanted = CONVICTED.includes(scenario) ? 'fail' : 'pass';
  expect(withHomes.verdict, JSON.stringify(withHomes.claims)).toBe(wanted);
  expect(withHomes.plan.homes).toBe(true);
});

it.each(LEASE_SEEDS)('lease admits nothing too much with homes: seed %i', async (seed) => {
  const { stdout, stderr } = await scenarioRun('lease-partition', '--homes', '--seed', `${seed}`);
  expect(stdout, stderr).not.toBe('');
  const report: RunReport = JSON.parse(stdout);
  leases.push(report);
  log();
  expect([report.verdict, report.overAdmission.largestExcess]).toEqual(['pass', 0]);
});

it.each(SCENARIOS)('%s without homes gives the same verdict', async (scenario) => {
  const pair = pairs.find((one) => one.scenario === scenario);
  if (pair === undefined) return; // it was left out
  const { stdout, stderr } = await scenarioRun(scenario);
  expect(stdout, stderr).not.toBe('');
  pair.without = JSON.parse(stdout);
  log();
  expect(pair.withHomes?.verdict).toBe(pair.without?.verdict);
  expect(isDeclared(pair.withHomes)).toBe(isDeclared(pair.without));
});

const isDeclared = (report: RunReport | undefined) =>
  report?.shards.every(({ bound }) => bound?.totalExcess !== undefined);

function log(): void {
  const both = pairs.map(({ scenario, withHomes, without }) =>
    [scenario, withHomes?.strategy ?? '', ...cellsOf(withHomes), ...cellsOf(without)].join(' | '),
  );
  const seeds = leases.map(({ seed, verdict, overAdmission, shards, sent }) => [
    ...[seed, verdict, overAdmission.largestExcess, Math.max(0, ...shards.map(boundOf)), sent],
  ]);
  logSoak('scenarios with homes, and without', [
    `One run each, seed 1: verdict, the largest excess of a bucket beside the largest bound that was declared for a shard, in tokens, the share of requests that were decided, and p50 of the admissions, in milliseconds. Runs with too little evidence that were made once more: ${repeated}.`,
    '',
    '| scenario | strategy | with homes | excess of bound | decided | p50 | without | excess of bound | decided | p50 |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...both.map((row) => `| ${row} |`),
    '',
    `Left out, since they have no homes: ${leftOut.join('; ')}.`,
    '',
    '`lease-partition` with homes:',
    '',
    '| seed | verdict | largest excess, tokens | its bound | requests |',
    '| --- | --- | --- | --- | --- |',
    ...seeds.map((row) => `| ${row.join(' | ')} |`),
  ]);
}

const boundOf = ({ bound }: RunReport['shards'][number]) => bound?.totalExcess ?? Number.POSITIVE_INFINITY;

function cellsOf(report: RunReport | undefined): string[] {
  if (report === undefined) return ['', '', '', ''];
  const { verdict, overAdmission, shards, outcomes, sent, latencies } = report;
  const bound = Math.max(0, ...shards.map(boundOf));
  const admitted = latencies.filter(({ outcome }) => outcome === 'allowed');
  const p50s = admitted.map(({ region, latency }) => `${region} ${(latency.p50Us / 1_000).toFixed(1)}`);
  return [
    verdict,
    `${overAdmission.largestExcess.toFixed(1)} of ${Number.isFinite(bound) ? bound.toFixed(1) : 'none declared'}`,
    `${((100 * (outcomes.allowed + outcomes.denied)) / sent).toFixed(0)}%`,
    p50s.join(', '),
  ];
}
