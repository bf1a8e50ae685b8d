import { Command, Option } from 'commander';
import { given } from '../../core/given.ts';
import { STRATEGY_NAMES, type StrategyName } from '../../core/strategies.ts';
import { parseStrategy } from '../../limiter/create.ts';
import { readScenario } from '../files/read-scenario.ts';
import { type FailureFlags, onFailureOption, parsedBy, wholeNumber } from '../flags/options.ts';
import { type RunFlags, runOptions } from '../flags/run-options.ts';
import { providerOption, SERVER_COMMAND } from '../flags/topology-flags.ts';
import { typedCommand } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { onEndpoints } from '../runs/plan-run.ts';
import { runAndReport } from '../runs/run-plan.ts';

interface Flags extends RunFlags, FailureFlags {
  readonly seed?: number;
  readonly strategy?: StrategyName;
}

export function runCommand(environment: Environment): Command {
  return runOptions(new Command('run'))
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
    .option('--server <command>', SERVER_COMMAND)
    .addOption(providerOption())
    .addHelpText('after', EXAMPLES)
    .action(async (scenario: string, flags: Flags) => {
      const { seed, strategy, onFailure } = flags;
      const plan = await readScenario(scenario, given({ seed, strategy, onFailure }), environment);
      const request = { plan, command: typedCommand(environment, plan.seed), flags };
      await runAndReport(await onEndpoints(request, environment), environment);
    });
}

const EXAMPLES = `
Built-in scenarios: the files in scenarios/ (baseline, kill-primary, ...).

Examples:
  $ openclaw-rl run scenarios/partition-one-region-blackhole.yaml
  $ openclaw-rl run baseline --seed 7
  # what a failover loses
  $ openclaw-rl run kill-primary --strategy acked
  $ openclaw-rl run my-scenario.yaml --json | jq .claims`;
