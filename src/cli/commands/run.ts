import { Command, Option } from 'commander';
import { given } from '../../core/given.ts';
import { STRATEGY_NAMES, type StrategyName } from '../../core/strategies.ts';
import { parseStrategy } from '../../limiter/create.ts';
import { readScenario } from '../files/read-scenario.ts';
import {
  type FailureFlags,
  type HomesFlag,
  homesOption,
  type InstancesFlag,
  instancesOption,
  onFailureOption,
  parsedBy,
  wholeNumber,
} from '../flags/options.ts';
import { OF_AN_AUDIT, refuseTyped } from '../flags/refuse-typed.ts';
import { type RunFlags, runOptions } from '../flags/run-options.ts';
import { serviceOptions, type TargetFlags } from '../flags/target-options.ts';
import { providerOption, SERVER_COMMAND } from '../flags/topology-flags.ts';
import { typedCommand } from '../output/typed-command.ts';
import { promiseOption } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { auditScenario, servicesOf } from '../runs/audit-run.ts';
import { onEndpoints } from '../runs/plan-run.ts';
import { type RunRequest, runAndReport } from '../runs/run-plan.ts';

interface Flags extends RunFlags, FailureFlags, InstancesFlag, HomesFlag, TargetFlags {
  readonly seed?: number;
  readonly strategy?: StrategyName;
}

export function runCommand(environment: Environment): Command {
  const command = runOptions(new Command('run'))
    .description('Run a scenario: its topology, load and faults, judged by its claims.')
    .argument('<scenario>', 'a YAML file, or the name of a built-in scenario')
    .option('--seed <number>', "replaces the scenario's seed", wholeNumber(0, 2 ** 32 - 1))
    .addOption(
      new Option(
        '--strategy <name>',
        `replaces the scenario's strategy; one of ${STRATEGY_NAMES.join(', ')}`,
      ).argParser(parsedBy(parseStrategy)),
    )
    .addOption(onFailureOption("replaces the scenario's answer while Redis cannot decide"))
    .addOption(instancesOption('replaces the number of Rating services of each region'))
    .addOption(homesOption())
    .option('--server <command>', SERVER_COMMAND)
    .addOption(providerOption())
    .addHelpText('after', EXAMPLES);
  return serviceOptions(command)
    .addOption(promiseOption())
    .action(async (scenario: string, flags: Flags) =>
      runAndReport(await makeRunRequest(environment, { scenario, flags, command }), environment),
    );
}

interface Typed {
  readonly scenario: string;
  readonly flags: Flags;
  readonly command: Command;
}

async function makeRunRequest(
  environment: Environment,
  { scenario, flags, command }: Typed,
): Promise<RunRequest> {
  const { seed, strategy, onFailure, instances, homes } = flags;
  const instead = given({ seed, strategy, onFailure, instances, homes });
  const target = await servicesOf(flags, environment, command);
  if (target !== undefined) {
    const plan = await readScenario(scenario, { ...instead, isExternal: true }, environment);
    return auditScenario(plan, { ...flags, target }, environment);
  }
  refuseTyped(
    command,
    [...OF_AN_AUDIT, 'promise'],
    'only valid with HTTP services in the file of --endpoints',
  );
  const plan = await readScenario(scenario, instead, environment);
  return onEndpoints({ plan, command: typedCommand(environment, plan.seed), flags }, environment);
}

const EXAMPLES = `
Built-in scenarios: the files in scenarios/ (baseline, kill-primary, ...).

Examples:
  $ openclaw-rl run scenarios/partition-one-region-blackhole.yaml
  $ openclaw-rl run baseline --seed 7
  # what a failover loses
  $ openclaw-rl run kill-primary --strategy acked
  $ openclaw-rl run my-scenario.yaml --json | jq .claims
  # your own services, with faults by commands of yours
  $ openclaw-rl run mine.yaml --endpoints services.yaml \\
      --subject-header x-api-key`;
