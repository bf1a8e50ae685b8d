import { dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { invalidOption } from '../../core/errors.ts';
import { examineSwarm } from '../../engines/swarm/doctor.ts';
import type { ProviderName } from '../../regions/choose-provider.ts';
import { sweepClusters } from '../../regions/clusters.ts';
import { diagnoseDocker, examineDocker } from '../../regions/docker/doctor.ts';
import { chooseImages, OWN_IMAGE } from '../../regions/docker/images.ts';
import type { Check } from '../../regions/doctor-check.ts';
import { diagnoseExternal, diagnoseSentinels } from '../../regions/external/diagnose.ts';
import { lookAt, lookAtSentinels } from '../../regions/external/look.ts';
import { diagnose, examineMachine, isReady } from '../../regions/local/doctor.ts';
import type { Sweep } from '../../regions/local/sweep.ts';
import { clusterStore } from '../../regions/store/user-clusters.ts';
import type { Look } from '../../report/fit-lines.ts';
import { drawTable } from '../../report/text-table.ts';
import { DEFAULT_TOPOLOGY } from '../../topology/topology.ts';
import { endpointsOption } from '../flags/endpoints-flag.ts';
import { parseRegions } from '../flags/options.ts';
import { providerOption } from '../flags/topology-flags.ts';
import { quotedForShell } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';

interface Flags {
  readonly provider: ProviderName;
  readonly endpoints?: string;
  readonly engine?: 'swarm';
  readonly regions?: readonly string[];
  readonly allowEviction?: true;
  readonly json: boolean;
}

export function doctorCommand(environment: Environment): Command {
  return new Command('doctor')
    .description('Show what is missing on this machine, and the command that installs it.')
    .addOption(
      providerOption('kind of regions that is checked (docker: also pulls or builds missing images)'),
    )
    .addOption(
      endpointsOption('ask your own Redis instead, by the addresses in this file').conflicts('provider'),
    )
    .addOption(
      new Option('--engine <name>', 'ask the engine of several machines instead; builds a missing image')
        .choices(['swarm'])
        .conflicts(['provider', 'endpoints']),
    )
    .option('--regions <names>', 'with --engine: its regions, separated by commas', parseRegions)
    .option('--allow-eviction', 'with --endpoints: a server that may evict keys is no obstacle')
    .option('--json', 'print one JSON document', false)
    .addHelpText('after', HELP)
    .action(async (flags: Flags) => {
      const { what, checks, ready } = await examineWhat(flags, environment);
      environment.out(
        flags.json
          ? `${JSON.stringify({ ready, checks }, undefined, 2)}\n`
          : render(checks, { what, ready }, environment.look),
      );
      environment.setExitCode(ready ? EXIT.pass : EXIT.environment);
    });
}

interface Examined {
  /** The command that can run, if it can. */
  readonly what: string;
  readonly checks: readonly Check[];
  readonly ready: boolean;
}

async function examineWhat(flags: Flags, environment: Environment): Promise<Examined> {
  const { endpoints, provider, engine, regions } = flags;
  if (engine !== undefined) return examineEngine(flags, environment);
  if (regions !== undefined)
    throw invalidOption('--regions needs --engine', 'remove it, or add --engine swarm');
  if (endpoints === undefined) return { what: 'bench', ...(await examine(environment, provider)) };
  const what = `bench --endpoints ${quotedForShell(endpoints)}`;
  return { what, ...(await examineEndpoints(endpoints, flags, environment)) };
}

async function examineEngine({ regions }: Flags, { env, log }: Environment): Promise<Examined> {
  const checks = await examineSwarm({
    images: chooseImages(env),
    regions: regions ?? DEFAULT_TOPOLOGY.regions,
    onBuild: () => log(`building ${OWN_IMAGE}\n`),
  });
  const where = regions === undefined ? '' : ` --regions ${regions.join(',')}`;
  return { what: `bench --engine swarm${where}`, checks, ready: isReady(checks) };
}

const HELP = `
Exit code 0 if \`bench\` can run here, else 69.
It also ends what killed runs left behind. With --endpoints it changes nothing.

Examples:
  $ openclaw-rl doctor
  # your own Redis: mode, version, eviction, what its user may do, round trips
  $ openclaw-rl doctor --endpoints endpoints.yaml
  # on a manager of a Docker Swarm: machines, labels, image, ports
  $ openclaw-rl doctor --engine swarm`;

async function examineEndpoints(
  file: string,
  { allowEviction }: Flags,
  environment: Environment,
): Promise<{ checks: readonly Check[]; ready: boolean }> {
  const { openEndpoints } = await import('../flags/endpoints-option.ts'); // its zod is a fifth of a start
  const { regions, sentinelLogin } = await openEndpoints(file, environment);
  const looks = await lookAt(regions);
  const checks = [
    ...diagnoseExternal(regions, looks, { allowsEviction: allowEviction === true }),
    ...diagnoseSentinels(await lookAtSentinels(regions, sentinelLogin), looks),
  ];
  return { checks, ready: isReady(checks) };
}

const NOTHING_SWEPT: Sweep = { ended: [], unknown: [] };

/** Checks that matter for processes and for containers. */
const EITHER_WAY = ['Node', 'platform', 'state folder', 'reports', 'open files', 'left behind', 'left alone'];

async function examine(
  environment: Environment,
  provider: ProviderName,
): Promise<{ checks: readonly Check[]; ready: boolean }> {
  const store = clusterStore(environment);
  const facts = await examineMachine({
    stateFolder: dirname(store.folder),
    reports: resolve(environment.cwd, 'reports'),
    nodeVersion: process.version,
  });
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
  const others = containers.map(
    (check): Check => (isReadyHere && check.mark === 'missing' ? { ...check, mark: 'note' } : check),
  );
  return { checks: [...machine, ...others], ready: isReadyHere || isReady(byDocker) };
}

function render(
  checks: readonly Check[],
  { what, ready }: { readonly what: string; readonly ready: boolean },
  { colour, columns }: Look,
): string {
  const colours = pc.createColors(colour);
  const mark = { ok: colours.green('ok'), note: colours.yellow('note'), missing: colours.red('MISSING') };
  const rows = checks.map(({ name, mark: kind, found, mend }) => [
    mark[kind],
    name,
    mend === undefined ? found : `${found}\n  ${mend.replaceAll('\n', '\n  ')}`,
  ]);
  return `${drawTable({ head: [], rows }, columns)}\n${what} ${ready ? 'can run here' : 'cannot run here yet'}\n`;
}
