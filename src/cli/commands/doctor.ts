import { dirname } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import pc from 'picocolors';
import { sweepClusters } from '../../regions/clusters.ts';
import { type Check, diagnose, examineMachine, isReady } from '../../regions/local/doctor.ts';
import { clusterStore } from '../cluster.ts';
import type { Environment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';

export function doctorCommand(environment: Environment): Command {
  return new Command('doctor')
    .description('Say what is missing on this machine, and the command that mends it.')
    .option('--json', 'print one JSON document', false)
    .addHelpText(
      'after',
      '\nExit code 0 when `bench` can run here, else 69. Ends what killed runs left behind.',
    )
    .action(async ({ json }: { json: boolean }) => {
      const store = clusterStore(environment);
      const facts = await examineMachine(dirname(store.folder), process.version);
      const swept = facts.platformLack === undefined ? await sweepClusters(store) : [];
      const checks = diagnose({ ...facts, swept });
      const ready = isReady(checks);
      environment.out(
        json
          ? `${JSON.stringify({ ready, checks }, undefined, 2)}\n`
          : render(checks, { ready, colour: environment.colourOut }),
      );
      environment.setExitCode(ready ? EXIT.pass : EXIT.environment);
    });
}

function render(checks: readonly Check[], { ready, colour }: { ready: boolean; colour: boolean }): string {
  const colours = pc.createColors(colour);
  const mark = { ok: colours.green('ok'), note: colours.yellow('note'), missing: colours.red('MISSING') };
  const table = new Table({ style: { head: [], border: [], compact: true } });
  for (const { name, mark: kind, found, mend } of checks)
    table.push([mark[kind], name, mend === undefined ? found : `${found}\n  ${mend}`]);
  return `${table}\n${ready ? 'bench can run here' : 'bench cannot run here yet'}\n`;
}
