import { Command } from 'commander';
import { given } from '../../core/given.ts';
import { type NamedPolicy, parsePolicies } from '../../core/policies.ts';
import { loadPlugin } from '../../limiter/plugin/load.ts';
import { readPromise } from '../../limiter/plugin/plugin.ts';
import { parsedBy } from '../flags/options.ts';
import { startPlugin } from '../plugins/start-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';

/** The process that `askPlugin` starts: imports a plug-in and reports its promise, and what it says about itself. */
export function readPluginCommand(environment: Environment): Command {
  return new Command('read-plugin')
    .description('Report the promise of a plug-in (started by the commands that judge it).')
    .argument('<file>', 'the plug-in')
    .argument('<policies>', 'the policies to enforce', parsedBy(parsePolicies))
    .action(async (file: string, policies: readonly NamedPolicy[]) => {
      const { started, release } = await startPlugin(file, environment, async () => {
        const plugin = await loadPlugin(file);
        return { promise: readPromise(plugin, file, policies), ...given({ about: plugin.about }) };
      });
      environment.answer?.({ ready: started });
      release();
      environment.exit(EXIT.pass); // its timers are not waited for
    });
}
