import { Command } from 'commander';
import { type FaultSpec, isMomentary } from '../../scenario/faults/index.ts';
import { claimOption } from '../flags/claim-option.ts';
import { checkEngineFlags } from '../flags/engine-options.ts';
import { addFaultCommands } from '../flags/fault-options.ts';
import { loadOptions } from '../flags/load-options.ts';
import {
  homesOption,
  instancesOption,
  limiterOptions,
  ON_FAILURE,
  onFailureOption,
  parseSomeDurationMs,
  timeOption,
} from '../flags/options.ts';
import { OF_AN_AUDIT, refuseTyped } from '../flags/refuse-typed.ts';
import { runOptions } from '../flags/run-options.ts';
import { checkSimulateFlag } from '../flags/simulate-option.ts';
import { serviceOptions } from '../flags/target-options.ts';
import { topologyOptions } from '../flags/topology-flags.ts';
import { promiseOption } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { type AuditFlags, planAudit, servicesOf } from '../runs/audit-run.ts';
import { planRun } from '../runs/plan-run.ts';
import { type RunRequest, runAndReport } from '../runs/run-plan.ts';

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
        .addOption(instancesOption())
        .addOption(homesOption())
        .addOption(claimOption())
        .addOption(promiseOption());
      if (fault === 'command') serviceOptions(each);
      return isMomentary({ fault })
        ? each
        : each.addOption(
            timeOption('--for <time>', 'heal the fault after this time', '8s', parseSomeDurationMs),
          );
    },
    action: (fault, flags: AuditFlags, each) => run(environment, { fault, flags, command: each }),
  });
}

const EXAMPLES = `
Examples:
  # a region is silent for 8 s
  $ openclaw-rl chaos partition --isolate eu-west
  $ openclaw-rl chaos partition --isolate eu-west --mode refuse --for 10s
  $ openclaw-rl chaos kill --node us-east-0
  # in virtual time: in seconds, without Redis
  $ openclaw-rl chaos kill --node us-east-0 --simulate
  $ openclaw-rl chaos partition --isolate eu-west \\
      --strategy acked --on-failure local-share
  $ openclaw-rl chaos latency --between us-east eu-west --add 400
  $ openclaw-rl chaos gateway-clock --region eu-west --offset 3s \\
      --strategy article --claim 'worst-window <= bound'
  # what only you can break: your cloud, a firewall, a cable
  $ openclaw-rl chaos command --endpoints endpoints.yaml \\
      --inject ./cut.sh --heal ./restore.sh
  # on the machines of a Docker Swarm; the commands run here
  $ openclaw-rl chaos command --engine swarm \\
      --inject ./cut.sh --heal ./restore.sh --proof ./is-cut.sh`;

interface Typed {
  readonly fault: FaultSpec;
  readonly flags: AuditFlags;
  readonly command: Command;
}

async function chaos(environment: Environment, typed: Typed): Promise<void> {
  await runAndReport(await makeRunRequest(environment, typed), environment);
}

async function makeRunRequest(
  environment: Environment,
  { fault, flags, command }: Typed,
): Promise<RunRequest> {
  checkEngineFlags(command, flags);
  checkSimulateFlag(command, flags);
  const target = await servicesOf(flags, environment, command);
  if (target !== undefined) return planAudit({ ...flags, target }, environment, { command, fault });
  refuseTyped(command, OF_AN_AUDIT, 'only valid with HTTP services in the file of --endpoints');
  return planRun(flags, environment, fault);
}
