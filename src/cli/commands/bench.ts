import { Command } from 'commander';
import { defaultClaims } from '../../checker/claims/default-claims.ts';
import { invalidOption } from '../../core/errors.ts';
import { formatPolicy } from '../../core/policy.ts';
import { DEFAULT_STRATEGY } from '../../core/strategies.ts';
import { checkTarget } from '../../load/target.ts';
import { DEFAULT_RESTING } from '../../scenario/defaults.ts';
import { makePlan } from '../../scenario/make-plan.ts';
import { DEFAULT_TOPOLOGY } from '../../topology/topology.ts';
import { readScenario } from '../files/read-scenario.ts';
import { claimOption } from '../flags/claim-option.ts';
import { readEndpoints } from '../flags/endpoints-option.ts';
import { loadOptions, makeLoad } from '../flags/load-options.ts';
import { limiterOptions, ON_FAILURE, onFailureOption } from '../flags/options.ts';
import { PROMISES } from '../flags/promise-help.ts';
import { type RunFlags, runOptions } from '../flags/run-options.ts';
import { readSubjectKeys } from '../flags/subject-keys.ts';
import {
  auditSystem,
  auditTargets,
  type TargetFlags,
  targetOptions,
  targetRegions,
} from '../flags/target-options.ts';
import { topologyOptions } from '../flags/topology-flags.ts';
import { typedCommand } from '../output/typed-command.ts';
import type { Environment } from '../process/environment.ts';
import type { PlanFlags } from '../runs/flag-plan.ts';
import { onEndpoints, planRun } from '../runs/plan-run.ts';
import { type RunRequest, runAndReport } from '../runs/run-plan.ts';

interface Flags extends PlanFlags, RunFlags, TargetFlags {}

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
      .addOption(claimOption()),
  ).action((scenario: string | undefined, flags: Flags) => bench(environment, scenario, flags, command));
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
  # two regions closer together
  $ openclaw-rl bench --round-trip us-east:eu-west=10
  # on a cluster that keeps running
  $ openclaw-rl up && openclaw-rl bench
  $ openclaw-rl bench --json | jq .verdict
  # your own limiter behind the same services
  $ openclaw-rl bench --limiter ./mine.mjs
  # an HTTP limiter that is already running
  $ openclaw-rl bench --target http://127.0.0.1:8080/api \\
      --subject-header x-api-key --policy 100:10/s
  # one that knows its API keys
  $ openclaw-rl bench --target https://api.example.com/ \\
      --subject-header x-api-key --subjects keys.txt --rate 50
  # one with windows of the wall clock
  $ openclaw-rl bench --target http://127.0.0.1:8080/ \\
      --subject-header x-api-key --policy 100:100/min \\
      --promise fixed-window:100/min:epoch --clock date --duration 150`;

async function bench(
  environment: Environment,
  scenario: string | undefined,
  flags: Flags,
  command: Command,
): Promise<void> {
  await runAndReport(await makeRunRequest(environment, scenario, flags, command), environment);
}

async function makeRunRequest(
  environment: Environment,
  scenario: string | undefined,
  flags: Flags,
  command: Command,
): Promise<RunRequest> {
  if (scenario !== undefined) {
    refuseOthers(command);
    const isTyped = (name: string) => command.getOptionValueSource(name) === 'cli';
    const instead = {
      ...(isTyped('seed') && { seed: flags.seed }),
      ...(isTyped('strategy') && { strategy: flags.strategy }),
      ...(flags.onFailure && { onFailure: flags.onFailure }),
    };
    const plan = await readScenario(scenario, instead, environment);
    return onEndpoints({ plan, command: typedCommand(environment, plan.seed), flags }, environment);
  }
  const endpoints =
    flags.endpoints === undefined ? undefined : await readEndpoints(flags.endpoints, environment);
  if (endpoints !== undefined) refuseTyped(command, OF_STARTED_NODES, 'cannot be used with --endpoints');
  if (endpoints !== undefined && endpoints.nodes.length === 0) {
    refuseTyped(command, OF_A_LIMITER, 'cannot be used with HTTP services, whose limiter decides');
    const target = endpoints.regions.map((region) => ({ region, url: endpoints.services[region] ?? '' }));
    return audit(environment, { ...flags, target }, command);
  }
  if (flags.target === undefined) {
    refuseTyped(command, OF_AN_AUDIT, 'only valid with --target');
    if (flags.limiter === undefined)
      refuseTyped(command, ['promise'], 'only valid with --target or --limiter');
    return planRun(flags, environment);
  }
  refuseTyped(command, OF_OUR_REGIONS, 'cannot be used with --target, which starts no regions');
  return audit(environment, flags, command);
}

const OF_AN_AUDIT = [
  ...['header', 'subjectHeader', 'subjects', 'costHeader', 'method', 'body', 'allow', 'deny'],
  ...['warmUp', 'clock'],
];
const OF_STARTED_NODES = [
  ...['name', 'server', 'provider', 'target'],
  ...['regions', 'replicas', 'roundTrip', 'jitter', 'persistence', 'nodeTimeout'],
];
const OF_A_LIMITER = ['strategy', 'limiter', 'onFailure'];
const OF_OUR_REGIONS = [...OF_A_LIMITER, 'endpoints', ...OF_STARTED_NODES].filter(
  (name) => name !== 'target',
);

async function audit(environment: Environment, flags: Flags, command: Command): Promise<RunRequest> {
  const { seed, policy, promise = { type: 'token-bucket' }, claim } = flags;
  const keys = flags.subjects === undefined ? undefined : await readSubjectKeys(flags.subjects, environment);
  const users = usersOf(flags, keys, command);
  const plan = makePlan(
    {
      ...{ seed, strategy: DEFAULT_STRATEGY, onFailure: 'closed', faults: [] },
      topology: { ...DEFAULT_TOPOLOGY, regions: targetRegions(flags.target ?? []), replicas: 0 },
      policy: formatPolicy(policy),
      load: makeLoad({ ...flags, users }, policy),
      claims: [...(claim ?? defaultClaims({ ...flags, promise, isClockRead: flags.clock === 'date' }))],
    },
    {
      scenario: 'audit',
      about: 'Does a limiter that is already running keep its promise?',
      isExternal: true,
    },
  );
  const targets = auditTargets(flags, environment, keys);
  for (const target of targets) checkTarget(target, plan.load);
  const system = auditSystem(targets, flags.warmUp);
  const areUsersReal = keys !== undefined;
  return { plan, command: typedCommand(environment, seed), flags, system, promise, areUsersReal };
}

/** The number of users of an audit. With a file of keys: one for each key, or --users if that is smaller. */
function usersOf(flags: Flags, keys: readonly string[] | undefined, command: Command): number {
  if (keys === undefined) return flags.users;
  if (flags.subjectHeader === undefined)
    throw invalidOption('--subjects needs --subject-header', 'add --subject-header <name>');
  if (command.getOptionValueSource('users') !== 'cli') return keys.length;
  if (flags.users <= keys.length) return flags.users;
  throw invalidOption(
    `--users: expected at most ${keys.length}, the number of keys in --subjects; found ${flags.users}`,
  );
}

const WITH_A_SCENARIO = [
  'seed',
  'strategy',
  'onFailure',
  'name',
  'endpoints',
  'allowEviction',
  'reports',
  'certificate',
  'format',
  'json',
  'brief',
  'clockSlack',
  'server',
  'provider',
];

/** Throws INVALID_OPTION for options that a scenario sets itself: they would be ignored. */
function refuseOthers(command: Command): void {
  const names = command.options.map((option) => option.attributeName());
  const others = names.filter((name) => !WITH_A_SCENARIO.includes(name));
  refuseTyped(command, others, 'cannot be used with a scenario, which sets this itself');
}

/** Throws INVALID_OPTION if one of these options was typed. */
function refuseTyped(command: Command, names: readonly string[], why: string): void {
  const typed = command.options.filter(
    (option) =>
      names.includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (typed.length === 0) return;
  const flags = typed.map(({ long }) => long).join(', ');
  throw invalidOption(`${flags}: ${why}`, 'remove it');
}
