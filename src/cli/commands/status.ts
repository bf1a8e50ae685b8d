import { Command } from 'commander';
import { readStatus } from '../../regions/cluster/status.ts';
import { type ChosenRegions, choosingRegions, openRegions } from '../flags/cluster-flags.ts';
import { printStatus, reportSilentNodes } from '../output/status-table.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';

export function statusCommand(environment: Environment): Command {
  return choosingRegions(new Command('status'))
    .description('Show nodes, roles, slots, lag, round trips (measured and configured) and faults in force.')
    .option('--json', 'print one JSON document', false)
    .addHelpText('after', '\nExamples:\n  $ openclaw-rl status\n  $ openclaw-rl status --json | jq .links')
    .action(async ({ json, ...chosen }: ChosenRegions & { json: boolean }) => {
      const status = await readStatus(await openRegions(environment, chosen));
      reportSilentNodes(status, environment);
      const isOfCluster = status.nodes.some(({ role }) => role === 'primary' || role === 'replica');
      if (!isOfCluster) environment.setExitCode(EXIT.environment);
      printStatus(status, json, environment);
    });
}
