import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { type Policy, parsePolicy } from '../../core/policy.ts';
import { loadPlugin, promiseOf } from '../../limiter/plugin.ts';
import type { Environment } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { parsedBy } from '../options.ts';
import { startPlugin } from '../start-plugin.ts';

/** The plug-in's own words go to the standard streams. */
const REPORT = 3;

/** What `askPlugin` starts as a process of its own: imports a plug-in, and says what it promises. */
export function readPluginCommand(environment: Environment): Command {
  return new Command('read-plugin')
    .description('Say what a plug-in promises (started by the commands that judge it).')
    .argument('<file>', 'the plug-in')
    .argument('<policy>', 'what it is asked to enforce', parsedBy(parsePolicy))
    .action(async (file: string, policy: Policy) => {
      const { started, release } = await startPlugin(file, environment, async () =>
        promiseOf(await loadPlugin(file), file, policy),
      );
      writeFileSync(REPORT, JSON.stringify(started));
      release();
      environment.exit(EXIT.pass); // its timers are not waited for
    });
}
