import { Command } from 'commander';
import pc from 'picocolors';
import { draw } from '../../report/table.ts';
import { printable } from '../../report/text.ts';
import type { Environment } from '../environment.ts';
import { listRuns, type RunLine } from '../list-runs.ts';
import { jsonText } from '../output.ts';
import { quotedForShell } from '../typed-command.ts';

interface Options {
  readonly reports: string;
  readonly json: boolean;
}

export function runsCommand(environment: Environment): Command {
  return new Command('runs')
    .description('List the runs that are kept, the newest first, with their verdicts.')
    .option('--reports <folder>', 'where they are kept', 'reports')
    .option('--json', 'print one JSON document and nothing else', false)
    .addHelpText('after', EXAMPLES)
    .action(async ({ reports, json }: Options) => {
      const runs = await listRuns(reports, environment.cwd);
      const document = { format: 'openclaw-runs', version: 1, runs };
      environment.out(json ? jsonText(document) : renderRuns(printable(runs), environment));
      if (runs.length === 0)
        environment.log(`no run is kept in ${printable(reports)}: bench, chaos and run make them\n`);
    });
}

const EXAMPLES = `
Examples:
  $ openclaw-rl runs
  $ openclaw-rl runs --json | jq -r '.runs[] | select(.verdict == "fail") | .folder'
  $ openclaw-rl report bench-1 --open           # a page of the newest run of that name`;

function renderRuns(runs: readonly RunLine[], { colourOut }: Environment): string {
  if (runs.length === 0) return '';
  const colours = pc.createColors(colourOut);
  const paint = {
    pass: colours.green,
    fail: colours.red,
    slow: colours.red,
    unknown: colours.yellow,
    none: colours.dim,
  };
  const rows = runs.map(({ verdict, scenario, strategy, seed, startedAt, requests, folder, reason }) => [
    paint[verdict](verdict === 'none' ? 'no report' : verdict),
    scenario ?? '',
    strategy ?? '',
    seed === null ? '' : String(seed),
    startedAt === null ? '' : startedAt.slice(0, 19).replace('T', ' '),
    requests === null ? '' : String(requests),
    reason === undefined ? quotedForShell(folder) : reason,
  ]);
  return `${draw(['verdict', 'scenario', 'strategy', 'seed', 'started (UTC)', 'requests', 'kept in'], rows)}\n`;
}
