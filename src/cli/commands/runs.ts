import { Command } from 'commander';
import pc from 'picocolors';
import { simulatedText } from '../../report/check-report.ts';
import { printable } from '../../report/text.ts';
import { drawTable } from '../../report/text-table.ts';
import { listRuns, type RunLine } from '../files/list-runs.ts';
import { jsonText } from '../output/output.ts';
import { quotedForShell } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { runsPruneCommand } from './runs-prune.ts';

interface Options {
  readonly reports: string;
  readonly json: boolean;
}

export function runsCommand(environment: Environment): Command {
  return new Command('runs')
    .description('List the kept runs with their verdicts, newest first.')
    .option('--reports <folder>', 'folder with the runs', 'reports')
    .option('--json', 'print one JSON document', false)
    .addHelpText('after', EXAMPLES)
    .enablePositionalOptions()
    .addCommand(runsPruneCommand(environment))
    .action(async ({ reports, json }: Options) => {
      const runs = await listRuns(reports, environment.cwd);
      const document = { format: 'openclaw-runs', version: 1, runs };
      environment.out(json ? jsonText(document) : renderRuns(printable(runs), environment));
      if (runs.length === 0)
        environment.log(`no runs in ${printable(reports)}; bench, chaos and run create them\n`);
    });
}

const EXAMPLES = `
Examples:
  $ openclaw-rl runs
  $ openclaw-rl runs --json |
      jq -r '.runs[] | select(.verdict == "fail") | .folder'
  # the page of the newest run of that name
  $ openclaw-rl report bench-1 --open
  $ openclaw-rl runs prune --keep 20`;

function renderRuns(runs: readonly RunLine[], { look }: Environment): string {
  if (runs.length === 0) return '';
  const colours = pc.createColors(look.colour);
  const paint = {
    pass: colours.green,
    fail: colours.red,
    slow: colours.red,
    unknown: colours.yellow,
    none: colours.dim,
  };
  const rows = runs.map(({ scenario, limiter, seed, startedAt, requests, ...run }) => [
    `${paint[run.verdict](run.verdict === 'none' ? 'no report' : run.verdict)}${simulatedText(run)}`,
    scenario ?? '',
    limiter ?? '',
    seed === null ? '' : String(seed),
    startedAt === null ? '' : startedAt.slice(0, 19).replace('T', ' '),
    requests === null ? '' : String(requests),
    run.reason === undefined ? quotedForShell(run.folder) : run.reason,
  ]);
  const head = ['verdict', 'scenario', 'limiter', 'seed', 'started (UTC)', 'requests', 'kept in'];
  const spare = ['seed', 'started (UTC)', 'requests', 'limiter']; // the folder's name has the time and the seed
  return `${drawTable({ head, rows, spare }, look.columns)}\n`;
}
