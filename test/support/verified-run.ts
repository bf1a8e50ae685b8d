import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import type { Verification } from '../../src/report/verification.ts';
import { callCli } from './call-cli.ts';
import { type CliOptions, runCli } from './cli.ts';

/** The strategies that record levels: nearly all of their buckets are proved. */
const WITH_LEVELS = ['central', 'acked'];

type Options = CliOptions & { readonly cwd: string };

/** Runs `bench`, `chaos` or `run` as `runCli` does, and verifies the certificate of the run. */
export async function runVerified(args: readonly string[], options: Options) {
  const result = await runCli([...args, '--certificate'], options);
  expect(existsSync(join(options.cwd, 'reports/latest')), result.stderr).toBe(true);
  const { report, certified } = await expectVerified(['verify'], options);
  const { whyNone: _, ...counts } = report.proofs ?? {};
  expect(certified).toMatchObject(counts);
  return result;
}

/** Verifies the newest run, which wrote no certificate. `check` knows no bound: it counts as convicted what a run counts as within it. */
export async function expectLatestVerified(options: Options): Promise<void> {
  const history = 'reports/latest/history.ndjson';
  await callCli(['check', history, '--certificate', 'certificate.ndjson.gz'], options);
  await expectVerified(['verify', '--certificate', 'certificate.ndjson.gz', history], options);
}

/** Expects that a certificate of the newest run is accepted, and leaves no more buckets open than its strategy may. */
async function expectVerified(
  command: readonly string[],
  options: Options,
): Promise<{ report: RunReport; certified: Verification['certified'] }> {
  const { code, stdout, stderr } = await callCli([...command, '--json'], options);
  expect(stdout, stderr).not.toBe('');
  const { verified, certified, refusals }: Verification = JSON.parse(stdout);
  const report: RunReport = JSON.parse(readFileSync(join(options.cwd, 'reports/latest/report.json'), 'utf8'));
  const { proved, admissionsProved, open, withinBound, convicted } = certified;
  const all = proved + admissionsProved + open;
  const what = `${report.plan.scenario}, ${report.strategy}, seed ${report.seed}`;
  process.stdout.write(
    `proved: ${proved} + ${admissionsProved} admissions of ${all} buckets (${withinBound} within the bound, ${convicted} convicted): ${what}\n`,
  );
  const proves = verified.proved + verified.admissionsProved + verified.excess + verified.denial > 0;
  expect([code, refusals], `${what}: ${stdout}`).toEqual([proves ? 0 : 2, []]);
  // The search may fail to find which requests without a reply were charged; a fault takes the replies of all buckets of a shard.
  const mostOpen = report.outcomes.info === 0 ? all / 1_000 : 2 + all / 10;
  const isProvable = report.plan.limiter === undefined && report.proofs?.whyNone === undefined;
  if (isProvable && WITH_LEVELS.includes(report.strategy))
    expect(open, `${what}: buckets that are neither proved nor convicted`).toBeLessThanOrEqual(mostOpen);
  return { report, certified };
}
