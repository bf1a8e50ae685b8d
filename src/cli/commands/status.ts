import { Command } from 'commander';
import { readStatus } from '../../regions/status.ts';
import { clusterStore, DEFAULT_CLUSTER, openCluster, reportSilentNodes } from '../cluster.ts';
import type { Environment } from '../environment.ts';
import { renderStatus } from '../status-table.ts';

export function statusCommand(environment: Environment): Command {
  return new Command('status')
    .description(
      'Show nodes, roles, slots, lag, round trips measured against configured, and faults in force.',
    )
    .option('--name <name>', 'the name of the cluster', DEFAULT_CLUSTER)
    .option('--json', 'print one JSON document', false)
    .addHelpText('after', '\nExamples:\n  $ openclaw-rl status\n  $ openclaw-rl status --json | jq .links')
    .action(async ({ name, json }: { name: string; json: boolean }) => {
      const { regions } = await openCluster(clusterStore(environment), name);
      const status = await readStatus(regions);
      reportSilentNodes(status, environment);
      environment.out(
        json
          ? `${JSON.stringify(status, undefined, 2)}\n`
          : renderStatus(status, { colour: environment.colourOut }),
      );
    });
}
