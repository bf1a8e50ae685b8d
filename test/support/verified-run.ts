import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import type { Verification } from '../../src/report/verification.ts';
import { type CliOptions, runCli } from './cli.ts';

/** The strategies that record levels: without findings, nearly all of their buckets are proved. */
const WITH_LEVELS = ['central', 'acked'];

/** Runs `bench`, `chaos` or `run` as `runCli` does, and verifies the certificate of the run. */
export async function runVerified(args: readonly string[], options: CliOptions & { readonly cwd: string }) {
  const result = await runCli([...args, '--certificate'], options);
  await expectVerified(options);
  return result;
}

/** Expects that the certificate of the newest run is accepted. Returns what is proved of it. */
async function expectVerified(
  options: CliOptions & { readonly cwd: string },
): Promise<Verification['certified']> {
  const { code, stdout, stderr } = await runCli(['verify', '--json'], options);
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
  const { whyNone, ...counts } = report.proofs ?? {};
  expect(certified).toMatchObject(counts);
  const isWhole = report.outcomes.info === 0; // the search may fail to find which requests without a reply were charged
  const isHealthy = isWhole && withinBound + convicted === 0 && report.plan.limiter === undefined;
  if (isHealthy && WITH_LEVELS.includes(report.strategy) && whyNone === undefined)
    expect(open, `${what}: buckets that are neither proved nor convicted`).toBeLessThanOrEqual(all / 1_000);
  return certified;
}
