import { Command } from 'commander';
import { checkEngineFlags } from '../flags/engine-options.ts';
import { insteadOptions } from '../flags/instead-options.ts';
import { type RunFlags, runOptions } from '../flags/run-options.ts';
import { checkSimulateFlag } from '../flags/simulate-option.ts';
import { serviceOptions } from '../flags/target-options.ts';
import { providerOption, SERVER_COMMAND } from '../flags/topology-flags.ts';
import { typedCommand } from '../output/typed-command.ts';
import { promiseOption } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { runAndReport } from '../runs/run-plan.ts';
import { planScenario, type ScenarioFlags, scenarioOptions } from '../runs/scenario-run.ts';

interface Flags extends RunFlags, ScenarioFlags {}

export function runCommand(environment: Environment): Command {
  const command = insteadOptions(scenarioOptions(runOptions(new Command('run'))))
    .description('Run a scenario: its topology, load and faults, judged by its claims.')
    .option('--server <command>', SERVER_COMMAND)
    .addOption(providerOption())
    .addHelpText('after', EXAMPLES);
  return serviceOptions(command)
    .addOption(promiseOption())
    .action(async (scenario: string, flags: Flags) => {
      checkEngineFlags(command, flags);
      checkSimulateFlag(command, flags);
      const planned = await planScenario({ scenario, flags, command }, environment);
      const repeated = typedCommand(environment, planned.plan.seed);
      await runAndReport({ ...planned, command: repeated, flags }, environment);
    });
}

const EXAMPLES = `
Built-in scenarios: the files in scenarios/ (baseline, kill-primary,
scoreboard/failover, ...).

Examples:
  $ openclaw-rl run scenarios/partition-one-region-blackhole.yaml
  $ openclaw-rl run baseline --seed 7
  # in virtual time: in seconds, without Redis
  $ openclaw-rl run kill-primary --simulate
  # what a failover loses
  $ openclaw-rl run kill-primary --strategy acked
  # your own limiter, by its own promise
  $ openclaw-rl run scoreboard/failover --limiter ./mine.yaml
  $ openclaw-rl run my-scenario.yaml --json | jq .claims
  # on the machines of a Docker Swarm, from one of its managers
  $ openclaw-rl run baseline --engine swarm
  # your own services, with faults by commands of yours
  $ openclaw-rl run mine.yaml --endpoints services.yaml \\
      --subject-header x-api-key`;
