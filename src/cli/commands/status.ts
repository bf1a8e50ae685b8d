import { Command } from 'commander';
import { readStatus } from '../../regions/status.ts';
import { type ChosenRegions, choosingRegions, openRegions, reportSilentNodes } from '../cluster.ts';
import type { Environment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { printStatus } from '../status-table.ts';

export function statusCommand(environment: Environment): Command {
  return choosingRegions(new Command('status'))
    .description(
      'Show nodes, roles, slots, lag, round trips measured against configured, and faults in force.',
    )
    .option('--json', 'print one JSON document', false)
    .addHelpText('after', '\nExamples:\n  $ openclaw-rl status\n  $ openclaw-rl status --json | jq .links')
    .action(async ({ json, ...chosen }: ChosenRegions & { json: boolean }) => {
      const status = await readStatus(await openRegions(environment, chosen));
      reportSilentNodes(status, environment);
      if (status.nodes.every(({ role }) => role === 'down')) environment.setExitCode(EXIT.environment);
      printStatus(status, json, environment);
    });
}
