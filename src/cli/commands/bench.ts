import { Command } from 'commander';
import { given } from '../../core/given.ts';
import { DEFAULT_RESTING } from '../../scenario/defaults.ts';
import { readScenario } from '../files/read-scenario.ts';
import { claimOption } from '../flags/claim-option.ts';
import { checkEngineFlags } from '../flags/engine-options.ts';
import { loadOptions } from '../flags/load-options.ts';
import {
  homesOption,
  instancesOption,
  limiterOptions,
  ON_FAILURE,
  onFailureOption,
} from '../flags/options.ts';
import { PROMISES } from '../flags/promise-help.ts';
import { OF_A_LIMITER, OF_AN_AUDIT, OF_STARTED_NODES, refuseTyped } from '../flags/refuse-typed.ts';
import { runOptions } from '../flags/run-options.ts';
import { checkSimulateFlag } from '../flags/simulate-option.ts';
import { targetOptions } from '../flags/target-options.ts';
import { topologyOptions } from '../flags/topology-flags.ts';
import { typedCommand } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import { type AuditFlags, planAudit, servicesOf } from '../runs/audit-run.ts';
import { onEndpoints, planRun } from '../runs/plan-run.ts';
import { type RunRequest, runAndReport } from '../runs/run-plan.ts';

export function benchCommand(environment: Environment): Command {
  const command = new Command('bench')
    .description(
      'Start three regions, each with a gateway and a Rating service; send load, judge it, tear down.',
    )
    .argument('[scenario]', 'run this scenario instead, like `run`')
    .addHelpText('after', PROMISES + EXAMPLES);
  return targetOptions(
    limiterOptions(topologyOptions(loadOptions(runOptions(command), { resting: DEFAULT_RESTING.share })))
      .addOption(onFailureOption(ON_FAILURE))
      .addOption(instancesOption())
      .addOption(homesOption())
      .addOption(claimOption()),
  ).action((scenario: string | undefined, flags: AuditFlags) => bench(environment, scenario, flags, command));
}

const EXAMPLES = `
Examples:
  # 1,000 connections, the exact limiter
  $ openclaw-rl bench
  # the published script, which fails: exit code 1
  $ openclaw-rl bench --strategy article
  # few users, each with many requests
  $ openclaw-rl bench --policy 100:10/s --users 50
  # open load: 2,000 requests start each second, answered or not
  $ openclaw-rl bench --rate 2000
  # in virtual time: in seconds, without Redis
  $ openclaw-rl bench --simulate
  # two regions closer together
  $ openclaw-rl bench --round-trip us-east:eu-west=10
  # on a cluster that keeps running
  $ openclaw-rl up && openclaw-rl bench
  $ openclaw-rl bench --json | jq .verdict
  # on the machines of a Docker Swarm, from one of its managers
  $ openclaw-rl bench --engine swarm
  # your own limiter behind the same services
  $ openclaw-rl bench --limiter ./mine.mjs
  # an HTTP limiter that is already running
  $ openclaw-rl bench --target http://127.0.0.1:8080/api \\
      --subject-header x-api-key --policy 100:10/s
  # one that knows its API keys
  $ openclaw-rl bench --target https://api.example.com/ \\
      --subject-header x-api-key --subjects keys.txt --users 5 --rate 100
  # one with windows of the wall clock
  $ openclaw-rl bench --target http://127.0.0.1:8080/ \\
      --subject-header x-api-key --policy 100:100/min \\
      --promise fixed-window:100/min:epoch --clock date --duration 150`;

async function bench(
  environment: Environment,
  scenario: string | undefined,
  flags: AuditFlags,
  command: Command,
): Promise<void> {
  await runAndReport(await makeRunRequest(environment, scenario, flags, command), environment);
}

async function makeRunRequest(
  environment: Environment,
  scenario: string | undefined,
  flags: AuditFlags,
  command: Command,
): Promise<RunRequest> {
  checkEngineFlags(command, flags);
  checkSimulateFlag(command, flags);
  if (scenario !== undefined) {
    refuseOthers(command);
    const isTyped = (name: string) => command.getOptionValueSource(name) === 'cli';
    const instead = {
      ...(isTyped('seed') && { seed: flags.seed }),
      ...(isTyped('strategy') && { strategy: flags.strategy }),
      ...given({ onFailure: flags.onFailure, instances: flags.instances, homes: flags.homes }),
    };
    const plan = await readScenario(scenario, instead, environment);
    const planned = await onEndpoints(plan, flags, environment);
    return { ...planned, command: typedCommand(environment, plan.seed), flags };
  }
  const target = await servicesOf(flags, environment, command);
  if (target !== undefined) return planAudit({ ...flags, target }, environment, { command });
  if (flags.target === undefined) {
    refuseTyped(command, OF_AN_AUDIT, 'only valid with --target');
    if (flags.limiter === undefined)
      refuseTyped(command, ['promise'], 'only valid with --target or --limiter');
    return planRun(flags, environment);
  }
  refuseTyped(command, OF_OUR_REGIONS, 'cannot be used with --target, which starts no regions');
  return planAudit(flags, environment, { command });
}

const OF_OUR_REGIONS = [...OF_A_LIMITER, 'endpoints', ...OF_STARTED_NODES].filter(
  (name) => name !== 'target',
);

const WITH_A_SCENARIO = [
  'seed',
  'strategy',
  'onFailure',
  'instances',
  'homes',
  'name',
  'endpoints',
  'simulate',
  'allowEviction',
  'reports',
  'loadProcesses',
  'certificate',
  'format',
  'json',
  'brief',
  'clockSlack',
  'engine',
  'lead',
  'clockHost',
  'server',
  'provider',
];

/** Throws INVALID_OPTION for options that a scenario sets itself: they would be ignored. */
function refuseOthers(command: Command): void {
  const names = command.options.map((option) => option.attributeName());
  const others = names.filter((name) => !WITH_A_SCENARIO.includes(name));
  refuseTyped(command, others, 'cannot be used with a scenario, which sets this itself');
}
