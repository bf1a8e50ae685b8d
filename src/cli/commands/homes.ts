import { Command, Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import {
  type ClusterHomes,
  type HomesLook,
  lookForHomes,
  requireHomes,
} from '../../regions/cluster/homes.ts';
import { type HomesDifferences, homesDifferences } from '../../regions/cluster/homes-differences.ts';
import type { Regions } from '../../regions/provider.ts';
import { readHomesFile } from '../files/read-homes.ts';
import { choosingRegions, openRegions } from '../flags/cluster-flags.ts';
import { checkTlsFlags, endpointOf, loginOf, parseClusterUrl } from '../flags/inspect-place.ts';
import { parsedBy } from '../flags/options.ts';
import { type TlsFlags, tlsOptions } from '../flags/redis-options.ts';
import { collectRegion, openRegionNodes, type RegionNodes } from '../flags/region-nodes.ts';
import { jsonText } from '../output/output.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';

interface Flags extends TlsFlags {
  readonly name: string;
  readonly endpoints?: string;
  readonly cluster?: URL;
  readonly region: RegionNodes;
  readonly check?: string;
  readonly json: boolean;
}

export function homesCommand(environment: Environment): Command {
  const command = choosingRegions(new Command('homes'))
    .description('Print the homes table of a cluster: the slots and the nodes of each region, as JSON.')
    .addOption(
      new Option(
        '--cluster <url>',
        'a node of any Redis Cluster: redis[s]://[user@]host:port; needs --region',
      )
        .argParser(parsedBy(parseClusterUrl))
        .conflicts(['name', 'endpoints']),
    )
    .addOption(
      new Option(
        '--region <name=nodes>',
        'with --cluster: all nodes of a region, host:port,host:port; repeatable',
      )
        .argParser(collectRegion)
        .default({}, 'none'),
    )
    .option('--check <file>', 'compare the cluster with this table instead; exit code 1 if they differ')
    .option('--json', 'with --check: print one JSON document (the table always is one)', false)
    .addHelpText('after', EXAMPLES);
  return tlsOptions(command).action((flags: Flags) => homes(flags, environment));
}

const EXAMPLES = `
Give the table to every process that limits the same users; two tables are two
buckets. It is refused while a region owns no slots (a failover that is not
undone), while a slot is migrating, and while a slot of a cluster of \`up\` is in
another region than planned. Commands sent: CLUSTER, INFO.
The password is read from REDIS_PASSWORD, the user name from REDIS_USERNAME.

Examples:
  # of the cluster of \`up\`
  $ openclaw-rl homes > homes.json
  # is it still so? 0 yes, 1 no
  $ openclaw-rl homes --check homes.json
  $ openclaw-rl homes --endpoints endpoints.yaml > homes.json
  $ openclaw-rl homes --cluster redis://10.0.0.1:6379 \\
      --region us-east=10.0.0.1:6379,10.0.0.2:6379 \\
      --region eu-west=10.1.0.1:6379,10.1.0.2:6379 > homes.json`;

async function homes(flags: Flags, environment: Environment): Promise<void> {
  const { check, json } = flags;
  checkTyped(flags);
  const written = check === undefined ? undefined : await readHomesFile(check, environment, '--check');
  const regions = await openPlace(flags, environment);
  if (written === undefined || check === undefined) {
    environment.out(jsonText(await requireHomes(regions)));
    return;
  }
  const look = await lookForHomes(regions);
  const differences = homesDifferences(written, look.table);
  const isEqual = [...differences.slots, ...differences.nodes, ...look.problems].length === 0;
  environment.out(
    json ? jsonText(documentOf(isEqual, differences, look)) : textOf({ check, isEqual, differences, look }),
  );
  environment.setExitCode(isEqual ? EXIT.pass : EXIT.fail);
}

/** Throws INVALID_OPTION before anything is sent. */
function checkTyped({ cluster, region, ...tls }: Flags): void {
  const hasRegions = Object.keys(region).length > 0;
  if (cluster === undefined && hasRegions)
    throw invalidOption('--region needs --cluster; a cluster of `up` and an endpoints file have regions');
  if (cluster !== undefined && !hasRegions)
    throw invalidOption(
      '--cluster needs --region: the cluster does not know where its nodes are',
      'give --region name=host:port,host:port for each region',
    );
  checkTlsFlags({ ...(cluster && { cluster }), ...tls });
}

async function openPlace(flags: Flags, environment: Environment): Promise<Regions> {
  const { cluster } = flags;
  if (cluster === undefined) return openRegions(environment, flags);
  return openRegionNodes(endpointOf(cluster), loginOf(environment, cluster, flags), flags.region);
}

interface Compared {
  readonly check: string;
  readonly isEqual: boolean;
  readonly differences: HomesDifferences;
  readonly look: HomesLook;
}

function textOf({ check, isEqual, differences, look: { problems } }: Compared): string {
  const { slots, nodes, hasMoved } = differences;
  if (isEqual) return `${printable(check)} is the homes table of the cluster\n`;
  const [problem] = problems;
  const lines = [
    `${printable(check)} differs from the cluster:`,
    ...[...problems.map(({ what }) => what), ...slots, ...nodes].map((line) => `  ${printable(line)}`),
    ...(problem === undefined ? [] : [`first: ${problem.hint}`]),
    ...(problem === undefined ? [slots.length === 0 ? RENAMED : hasMoved ? MOVED : LACKING] : []),
  ];
  return `${lines.join('\n')}\n`;
}

const MOVED = `Buckets stay where they are, and takes of the moved slots wait for another region.
Move the slots back, or write the table again and give it to every process:
a bucket that gets another slot by it starts full, once.`;
const LACKING = `No slot moved: the file lacks them, or calls their region otherwise. Write the table
again and give it to every process: a bucket that gets another slot by it starts
full, once.`;
const RENAMED = 'Slots are equal: write the table again at any time; no bucket moves.';

function documentOf(isEqual: boolean, { slots, nodes }: HomesDifferences, look: HomesLook): HomesCheck {
  return { isEqual, slots, nodes, problems: look.problems.map(({ what }) => what), now: look.table };
}

interface HomesCheck extends Omit<HomesDifferences, 'hasMoved'> {
  readonly isEqual: boolean;
  readonly problems: readonly string[];
  readonly now: ClusterHomes;
}
