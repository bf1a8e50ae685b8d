import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { Environment } from '../process/environment.ts';

/** The process that `up` starts: the Toxiproxy of every region of a local cluster. */
export function regionalToxiproxyCommand(environment: Environment): Command {
  return new Command('regional-toxiproxy')
    .description('Run the Toxiproxies of the regions of a local cluster (started by `up`).')
    .argument('<config>', 'the file that `up` wrote')
    .action(async (config: string) => {
      const { parseRegionalConfig } = await import('../../regions/local/regional-config.ts'); // zod
      const { regions, routes, seed } = parseRegionalConfig(await readFile(config, 'utf8'), config);
      const { startRegionalToxiproxy } = await import('../../toxiproxy/server/start.ts');
      const toxiproxy = await startRegionalToxiproxy({
        regions: regions.map(({ name, sources, api }) => ({
          name,
          api,
          matches: (address) => address.startsWith(sources),
        })),
        routes,
        seed,
      });
      environment.out(`listening on ${Object.values(toxiproxy.apis).join(' ')}\n`);
      await environment.interrupted();
      await toxiproxy.close();
    });
}
