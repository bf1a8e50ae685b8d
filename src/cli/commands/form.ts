import { Command } from 'commander';
import { printable } from '../../core/printable.ts';
import { count } from '../../core/units.ts';
import { formNodes } from '../../regions/external/form.ts';
import type { Topology } from '../../topology/topology.ts';
import { openEndpoints } from '../flags/endpoints-option.ts';
import { wholeNumber } from '../flags/options.ts';
import type { Environment } from '../process/environment.ts';

interface Flags {
  readonly replicas?: number;
  readonly wait: number;
}

export function formCommand(environment: Environment): Command {
  return new Command('form')
    .description(
      'Make one Redis Cluster of fresh nodes that run: a primary in each region, and its replicas.',
    )
    .argument('<endpoints>', 'an endpoints file of kind cluster, with the address of each node')
    .option(
      '--replicas <count>',
      'replicas of each primary, in other regions (default: as many as there are nodes for)',
      wholeNumber(0, 19),
    )
    .option(
      '--wait <seconds>',
      'how long nodes that are not there yet are waited for',
      wholeNumber(0, 3_600),
      60,
    )
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, { wait, ...flags }: Flags) => {
      const { regions } = await openEndpoints(file, environment);
      const topology = await formNodes(regions, {
        ...{ ...flags, withinMs: wait * 1_000, signal: environment.interrupt },
        onStep: (what) => environment.log(`${printable(what)}\n`),
      });
      environment.out(textOf(topology));
    });
}

const EXAMPLES = `
The first node of each region in the file is its primary; further ones are
replicas of the primaries of other regions. A node that holds keys, knows other
nodes or has slots is refused, and nothing is changed. If it is interrupted, the
nodes are reset. Servers of kind single are only waited for. The password is
read from REDIS_PASSWORD.

Examples:
  # one for each node
  $ redis-server --port 7001 --cluster-enabled yes
  $ openclaw-rl form endpoints.yaml
  $ openclaw-rl doctor --endpoints endpoints.yaml`;

function textOf({ kind, nodes }: Topology): string {
  const lines = nodes.map(({ name, region, slots, replicaOf }) => {
    const role =
      kind === 'single'
        ? 'a server of its own'
        : slots === undefined
          ? `replica of ${replicaOf}`
          : `primary, slots ${slots.join('-')}`;
    return `  ${name} in ${region}: ${role}\n`;
  });
  const what =
    kind === 'single' ? count(nodes.length, 'server') : `a cluster of ${count(nodes.length, 'node')}`;
  return `${what}\n${lines.join('')}`;
}
