import { expect, it } from 'vitest';
import type { RunReport } from '../../src/report/report.ts';
import { runCli, testFolder } from '../support/cli.ts';
import { processesMentioning } from '../support/processes.ts';
import { logSoak } from '../support/soak-log.ts';

const ROUNDS = 10;

it(`bench gives the same verdict ${ROUNDS} times in a row`, async () => {
  const rows: string[] = [];
  for (const [strategy, verdict] of [
    ['central', 'pass'],
    ['article', 'fail'],
  ]) {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const folder = testFolder();
      const { stdout } = await runCli(
        ['bench', '--json', '--strategy', String(strategy), '--seed', String(seed)],
        { cwd: folder },
      );
      const report: RunReport = JSON.parse(stdout);
      const { outcomes, contested, overAdmission } = report;
      rows.push(
        `| ${strategy} | ${seed} | ${report.verdict} | ${report.sent} | ${outcomes.failed + outcomes.info} | ${report.unaccounted} ` +
          `| ${contested.busiest} | ${overAdmission.findings.length} | ${(overAdmission.worst?.worstWindow ?? 0).toFixed(2)} | ${report.requestsPerSecond} |`,
      );
      expect(report.verdict, rows.join('\n')).toBe(verdict);
      expect(processesMentioning(folder)).toEqual([]);
    }
  }
  logSoak('bench, ten seeds a strategy', [
    '| strategy | seed | verdict | sent | failed or info | unaccounted | contested of 100 busiest | buckets over | worst window, tokens | requests/s |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]);
});
