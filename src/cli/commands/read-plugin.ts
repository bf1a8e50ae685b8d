import { Command } from 'commander';
import { type Policy, parsePolicy } from '../../core/policy.ts';
import { loadPlugin, readPromise } from '../../limiter/plugin/plugin.ts';
import { parsedBy } from '../flags/options.ts';
import { startPlugin } from '../plugins/start-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { EXIT } from '../process/exit-codes.ts';

/** The process that `askPlugin` starts: imports a plug-in and reports its promise. */
export function readPluginCommand(environment: Environment): Command {
  return new Command('read-plugin')
    .description('Report the promise of a plug-in (started by the commands that judge it).')
    .argument('<file>', 'the plug-in')
    .argument('<policy>', 'the policy to enforce', parsedBy(parsePolicy))
    .action(async (file: string, policy: Policy) => {
      const { started, release } = await startPlugin(file, environment, async () =>
        readPromise(await loadPlugin(file), file, policy),
      );
      environment.answer?.({ ready: { promise: started } });
      release();
      environment.exit(EXIT.pass); // its timers are not waited for
    });
}
