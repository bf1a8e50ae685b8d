import { Command } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import { compareReports, comparisonTable } from '../../report/comparison.ts';
import { draw } from '../../report/table.ts';
import type { Environment } from '../environment.ts';
import { jsonText } from '../output.ts';
import { readReport } from '../read-report.ts';

export function compareCommand(environment: Environment): Command {
  return new Command('compare')
    .description(
      'Put runs side by side: verdict, claims, excess, rates and latency, with ratios to the first.',
    )
    .argument('<run...>', 'folders of two runs or more')
    .option('--json', 'print one JSON document and nothing else', false)
    .addHelpText('after', EXAMPLES)
    .action((runs: string[], options: { json: boolean }) => compare(runs, options, environment));
}

const EXAMPLES = `
Examples:
  $ openclaw-rl compare reports/20261125T0-bench-1 reports/latest
  $ openclaw-rl compare reports/*-bench-1 --json | jq '.figures[] | select(.name == "requests/s")'`;

async function compare(runs: readonly string[], { json }: { json: boolean }, environment: Environment) {
  if (runs.length < 2) throw new OpenclawError('INVALID_OPTION', 'it takes two runs to compare; found one');
  const reports = await Promise.all(runs.map((run) => readReport(run, environment.cwd)));
  const comparison = compareReports(reports);
  const { head, rows } = comparisonTable(comparison);
  environment.out(json ? jsonText(comparison) : `${draw(head, rows)}\n`);
}
