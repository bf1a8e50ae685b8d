import { Command } from 'commander';
import { type FaultSpec, isMomentary } from '../../scenario/faults/index.ts';
import { claimOption } from '../flags/claim-option.ts';
import { addFaultCommands } from '../flags/fault-options.ts';
import { loadOptions } from '../flags/load-options.ts';
import {
  limiterOptions,
  ON_FAILURE,
  onFailureOption,
  parseSomeDurationMs,
  timeOption,
} from '../flags/options.ts';
import { type RunFlags, runOptions } from '../flags/run-options.ts';
import { topologyOptions } from '../flags/topology-flags.ts';
import { promiseOption } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import type { PlanFlags } from '../runs/flag-plan.ts';
import { planRun } from '../runs/plan-run.ts';
import { runAndReport } from '../runs/run-plan.ts';

interface Flags extends PlanFlags, RunFlags {}

/** Like bench, with a fault in the middle. */
export function chaosCommand(environment: Environment, run = chaos): Command {
  const command = new Command('chaos')
    .description('Send load, inject a fault in the middle, heal it; judge before, during and after it.')
    .addHelpText('after', EXAMPLES);
  return addFaultCommands(command, {
    configure: (each, fault) => {
      limiterOptions(topologyOptions(loadOptions(runOptions(each), { resting: 0 })))
        .addOption(timeOption('--at <time>', 'inject the fault this long after the load starts', '5s'))
        .addOption(onFailureOption(ON_FAILURE))
        .addOption(claimOption())
        .addOption(promiseOption());
      return isMomentary({ fault })
        ? each
        : each.addOption(
            timeOption('--for <time>', 'heal the fault after this time', '8s', parseSomeDurationMs),
          );
    },
    action: (fault, flags: Flags) => run(environment, fault, flags),
  });
}

const EXAMPLES = `
Examples:
  # a region is silent for 8 s
  $ openclaw-rl chaos partition --isolate eu-west
  $ openclaw-rl chaos partition --isolate eu-west --mode refuse --for 10s
  $ openclaw-rl chaos kill --node us-east-0
  $ openclaw-rl chaos partition --isolate eu-west \\
      --strategy acked --on-failure local-share
  $ openclaw-rl chaos latency --between us-east eu-west --add 400
  $ openclaw-rl chaos gateway-clock --region eu-west --offset 3s \\
      --strategy article --claim 'worst-window <= bound'`;

async function chaos(environment: Environment, fault: FaultSpec, flags: Flags): Promise<void> {
  await runAndReport(await planRun(flags, environment, fault), environment);
}
