import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { type Policy, parsePolicy } from '../../core/policy.ts';
import { loadPlugin, promiseOf } from '../../limiter/plugin.ts';
import type { Environment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { parsedBy } from '../options.ts';
import { startPlugin } from '../start-plugin.ts';

/** What `askPlugin` starts as a process of its own: imports a plug-in, and says what it promises. */
export function readPluginCommand(environment: Environment): Command {
  return new Command('read-plugin')
    .description('Say what a plug-in promises (started by the commands that judge it).')
    .argument('<file>', 'the plug-in')
    .argument('<policy>', 'what it is asked to enforce', parsedBy(parsePolicy))
    .argument('<answer>', 'where the promise is written: the standard streams are the words of the plug-in')
    .action(async (file: string, policy: Policy, answer: string) => {
      const { started, release } = await startPlugin(file, environment, async () =>
        promiseOf(await loadPlugin(file), file, policy),
      );
      writeFileSync(answer, started);
      release();
      environment.exit(EXIT.pass); // its timers are not waited for
    });
}
