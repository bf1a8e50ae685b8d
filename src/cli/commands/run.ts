import { Command, Option } from 'commander';
import { parseStrategy, STRATEGY_NAMES, type StrategyName } from '../../limiter/create.ts';
import { providerOption } from '../choose-provider.ts';
import type { Environment } from '../environment.ts';
import { type FailureFlags, onFailureOption, parsedBy, wholeNumber } from '../options.ts';
import { readScenario } from '../read-scenario.ts';
import { type RunFlags, runAndReport, runOptions } from '../run-plan.ts';
import { typedCommand } from '../typed-command.ts';

interface Flags extends RunFlags, FailureFlags {
  readonly seed?: number;
  readonly strategy?: StrategyName;
}

export function runCommand(environment: Environment): Command {
  return runOptions(new Command('run'))
    .description('Run a scenario: its topology, load and faults, judged by its claims.')
    .argument('<scenario>', 'a YAML file, or the name of one that comes along')
    .option('--seed <number>', "instead of the scenario's own", wholeNumber(0, 2 ** 32 - 1))
    .addOption(
      new Option(
        '--strategy <name>',
        `instead of the scenario's own: one of ${STRATEGY_NAMES.join(', ')}`,
      ).argParser(parsedBy(parseStrategy)),
    )
    .addOption(
      onFailureOption("instead of the scenario's own: what services answer while Redis cannot decide"),
    )
    .option('--server <command>', 'the server program to run (default: redis-server, else valkey-server)')
    .addOption(providerOption())
    .addHelpText('after', EXAMPLES)
    .action(async (scenario: string, flags: Flags) => {
      const { seed, strategy, onFailure } = flags;
      const instead = {
        ...(seed !== undefined && { seed }),
        ...(strategy && { strategy }),
        ...(onFailure && { onFailure }),
      };
      const plan = await readScenario(scenario, instead, environment);
      await runAndReport({ plan, command: typedCommand(environment, plan.seed), flags }, environment);
    });
}

const EXAMPLES = `
Scenarios that come along: see scenarios/ (baseline, partition-one-region-blackhole, article-limiter, ...).

Examples:
  $ openclaw-rl run scenarios/partition-one-region-blackhole.yaml
  $ openclaw-rl run baseline --seed 7
  $ openclaw-rl run kill-primary --strategy acked   # what a failover loses, and what it does not
  $ openclaw-rl run my-scenario.yaml --json | jq .claims`;
