import { dirname } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import pc from 'picocolors';
import type { Check } from '../../regions/check.ts';
import { sweepClusters } from '../../regions/clusters.ts';
import { diagnoseDocker, examineDocker } from '../../regions/docker/doctor.ts';
import { chooseImages } from '../../regions/docker/images.ts';
import { diagnose, examineMachine, isReady } from '../../regions/local/doctor.ts';
import type { Sweep } from '../../regions/local/sweep.ts';
import { type ProviderName, providerOption } from '../choose-provider.ts';
import { clusterStore } from '../cluster.ts';
import type { Environment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';

interface Flags {
  readonly provider: ProviderName;
  readonly json: boolean;
}

export function doctorCommand(environment: Environment): Command {
  return new Command('doctor')
    .description('Say what is missing on this machine, and the command that mends it.')
    .addOption(providerOption('for which regions (docker: pulls or builds the images that are missing)'))
    .option('--json', 'print one JSON document', false)
    .addHelpText(
      'after',
      '\nExit code 0 when `bench` can run here, else 69. Ends what killed runs left behind.',
    )
    .action(async ({ provider, json }: Flags) => {
      const { checks, ready } = await examine(environment, provider);
      environment.out(
        json
          ? `${JSON.stringify({ ready, checks }, undefined, 2)}\n`
          : render(checks, { ready, colour: environment.colourOut }),
      );
      environment.setExitCode(ready ? EXIT.pass : EXIT.environment);
    });
}

const NOTHING_SWEPT: Sweep = { ended: [], unknown: [] };

/** What concerns neither processes nor containers alone. */
const EITHER_WAY = ['Node', 'platform', 'state folder', 'open files', 'left behind', 'left alone'];

async function examine(
  environment: Environment,
  provider: ProviderName,
): Promise<{ checks: readonly Check[]; ready: boolean }> {
  const store = clusterStore(environment);
  const facts = await examineMachine(dirname(store.folder), process.version);
  const sweep =
    facts.platformLack === undefined
      ? await sweepClusters(store, { unknownContainers: true })
      : NOTHING_SWEPT;
  const machine = diagnose({ ...facts, sweep });
  if (provider === 'local') return { checks: machine, ready: isReady(machine) };
  const containers = diagnoseDocker(
    await examineDocker(chooseImages(environment.env), {
      provide: provider === 'docker',
      say: (what) => environment.log(`${what}\n`),
    }),
  );
  const byDocker = [...machine.filter(({ name }) => EITHER_WAY.includes(name)), ...containers];
  if (provider === 'docker') return { checks: byDocker, ready: isReady(byDocker) };
  const isReadyHere = isReady(machine);
  const beside = containers.map(
    (check): Check => (isReadyHere && check.mark === 'missing' ? { ...check, mark: 'note' } : check),
  );
  return { checks: [...machine, ...beside], ready: isReadyHere || isReady(byDocker) };
}

function render(checks: readonly Check[], { ready, colour }: { ready: boolean; colour: boolean }): string {
  const colours = pc.createColors(colour);
  const mark = { ok: colours.green('ok'), note: colours.yellow('note'), missing: colours.red('MISSING') };
  const table = new Table({ style: { head: [], border: [], compact: true } });
  for (const { name, mark: kind, found, mend } of checks)
    table.push([mark[kind], name, mend === undefined ? found : `${found}\n  ${mend}`]);
  return `${table}\n${ready ? 'bench can run here' : 'bench cannot run here yet'}\n`;
}
