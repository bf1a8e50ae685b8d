import { Command } from 'commander';
import { formatPromise } from '../../checker/promise.ts';
import { OpenclawError } from '../../core/errors.ts';
import { formatPolicy } from '../../core/policy.ts';
import { checkTarget } from '../../load/target.ts';
import { contestedShareOf } from '../../scenario/contested-share.ts';
import { makePlan } from '../../scenario/make-plan.ts';
import type { PlannedTopology } from '../../scenario/plan.ts';
import { standingTopology } from '../cluster.ts';
import { claimsOfStrategy } from '../declared-claims.ts';
import type { Environment } from '../environment.ts';
import { choosePlugin, claimsOfPromise } from '../limiter-plugin.ts';
import { type LoadFlags, loadCommandLine, loadOptions } from '../load-options.ts';
import {
  type FailureFlags,
  type LimiterFlags,
  limiterOptions,
  ON_FAILURE,
  onFailureOption,
} from '../options.ts';
import { PROMISES } from '../promise-help.ts';
import { readScenario } from '../read-scenario.ts';
import {
  type ClaimFlags,
  claimOption,
  type RunFlags,
  type RunRequest,
  runAndReport,
  runOptions,
} from '../run-plan.ts';
import { loadInput, SCENARIO_RULES, topologyInput } from '../scenario-rules.ts';
import { readSubjectKeys } from '../subject-keys.ts';
import {
  auditSystem,
  auditTargets,
  type TargetFlags,
  targetOptions,
  targetRegions,
} from '../target-options.ts';
import { type TopologyFlags, topologyCommandLine, topologyOptions } from '../topology-flags.ts';
import { quotedForShell, typedCommand } from '../typed-command.ts';

interface Flags
  extends TopologyFlags,
    LimiterFlags,
    FailureFlags,
    LoadFlags,
    RunFlags,
    ClaimFlags,
    TargetFlags {}

export function benchCommand(environment: Environment): Command {
  const command = new Command('bench')
    .description(
      'Bring up three regions, each with gateway and Rating service, fire the load, judge, tear down.',
    )
    .argument('[scenario]', 'a scenario to run instead, as `run` does')
    .addHelpText('after', PROMISES + EXAMPLES);
  return targetOptions(
    limiterOptions(topologyOptions(loadOptions(runOptions(command), { resting: 0.1 })))
      .addOption(onFailureOption(ON_FAILURE))
      .addOption(claimOption()),
  ).action((scenario: string | undefined, flags: Flags) => bench(environment, scenario, flags, command));
}

const EXAMPLES = `
Examples:
  $ openclaw-rl bench                                  # 1,000 concurrent users against the exact limiter
  $ openclaw-rl bench --strategy article               # the published script, convicted: exit code 1
  $ openclaw-rl bench --policy 100:10/s --users 50     # a hot set of users
  $ openclaw-rl bench --rate 2000                      # open: 2,000 requests start each second, come what may
  $ openclaw-rl bench --round-trip us-east:eu-west=10  # regions closer together
  $ openclaw-rl up && openclaw-rl bench                # on a cluster that stays
  $ openclaw-rl bench --json | jq .verdict
  $ openclaw-rl bench --limiter ./mine.mjs             # a limiter of your own, behind the same services
  $ openclaw-rl bench --target http://127.0.0.1:8080/api --subject-header x-api-key --policy 100:10/s
  $ openclaw-rl bench --target https://api.example.com/ --subject-header x-api-key --subjects keys.txt --rate 50
  $ openclaw-rl bench --target http://127.0.0.1:8080/ --subject-header x-api-key --policy 100:100/min \\
      --promise fixed-window:100/min:epoch --clock date --duration 150   # windows of the wall clock`;

async function bench(
  environment: Environment,
  scenario: string | undefined,
  flags: Flags,
  command: Command,
): Promise<void> {
  await runAndReport(await requestOf(environment, scenario, flags, command), environment);
}

async function requestOf(
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
    return { plan, command: typedCommand(environment, plan.seed), flags };
  }
  if (flags.target === undefined) {
    refuseTyped(command, OF_AN_AUDIT, 'only of use beside --target');
    if (flags.limiter === undefined)
      refuseTyped(command, ['promise'], 'only of use beside --target or --limiter');
    return ours(environment, flags);
  }
  refuseTyped(command, OF_OUR_REGIONS, 'of no use beside --target: nothing is brought up');
  return audit(environment, flags, command);
}

const OF_AN_AUDIT = [
  ...['header', 'subjectHeader', 'subjects', 'costHeader', 'method', 'body', 'allow', 'deny'],
  ...['warmUp', 'clock'],
];
const OF_OUR_REGIONS = [
  ...['strategy', 'limiter', 'onFailure', 'name', 'server', 'provider'],
  ...['regions', 'replicas', 'roundTrip', 'jitter', 'persistence', 'nodeTimeout'],
];

/** The evidence that a promise of no excess takes. */
const evidenceOf = (strategy?: string) => [
  ...['info <= 5%', 'failed <= 5%'],
  `contested >= ${contestedShareOf(strategy)}`,
];

async function ours(environment: Environment, flags: Flags): Promise<RunRequest> {
  const { seed, policy, strategy, claim } = flags;
  const plugin = await choosePlugin(flags, environment);
  const running = await standingTopology(environment, flags);
  const correct =
    plugin === undefined
      ? claimsOfStrategy(strategy, flags)
      : claimsOfPromise(plugin.promise, { isClockRead: true });
  const plan = makePlan(
    {
      seed,
      topology: topologyInput(flags, running),
      policy: formatPolicy(policy),
      ...(plugin === undefined ? { strategy } : { limiter: plugin.file }),
      ...(flags.onFailure && { onFailure: flags.onFailure }),
      load: loadInput(flags, policy),
      claims: [...(claim ?? [...correct, ...evidenceOf(plugin === undefined ? strategy : undefined)])],
    },
    { scenario: 'bench', about: 'What does the limiter admit while nothing goes wrong?' },
    SCENARIO_RULES,
  );
  return {
    plan,
    command: commandOf(flags, plan.topology),
    flags,
    ...(plugin && { promise: plugin.promise }),
  };
}

/** The command that makes this run again, every number of it spelled out. */
function commandOf(flags: Flags, topology: PlannedTopology): string {
  const {
    strategy,
    limiter,
    onFailure,
    promise,
    policy,
    seed,
    claim = [],
    server,
    provider,
    clockSlack,
  } = flags;
  const decides = limiter === undefined ? `--strategy ${strategy}` : `--limiter ${quotedForShell(limiter)}`;
  return [
    `openclaw-rl bench ${decides} --policy ${formatPolicy(policy)}`,
    ...(onFailure === undefined ? [] : [`--on-failure ${onFailure}`]),
    ...(promise === undefined ? [] : [`--promise ${formatPromise(promise)}`]),
    ...claim.map((text) => `--claim ${quotedForShell(text)}`),
    loadCommandLine(flags, policy),
    topologyCommandLine(topology),
    ...(server === undefined ? [] : [`--server ${quotedForShell(server)}`]),
    ...(provider === 'auto' ? [] : [`--provider ${provider}`]),
    ...(clockSlack === undefined ? [] : [`--clock-slack ${clockSlack}us`]),
    `--seed ${seed}`,
  ].join(' ');
}

async function audit(environment: Environment, flags: Flags, command: Command): Promise<RunRequest> {
  const { seed, policy, promise = { type: 'token-bucket' }, claim } = flags;
  const keys = flags.subjects === undefined ? undefined : await readSubjectKeys(flags.subjects, environment);
  const users = usersOf(flags, keys, command);
  const plan = makePlan(
    {
      seed,
      topology: { regions: [...targetRegions(flags.target ?? [])], replicas: 0 },
      policy: formatPolicy(policy),
      strategy: 'external',
      load: loadInput({ ...flags, users }, policy),
      claims: [
        ...(claim ?? [...claimsOfPromise(promise, { isClockRead: flags.clock === 'date' }), ...evidenceOf()]),
      ],
    },
    { scenario: 'audit', about: 'Does a limiter that is already running keep its promise?' },
    { ...SCENARIO_RULES, strategies: ['external'] },
  );
  const targets = auditTargets(flags, environment, keys);
  for (const target of targets) checkTarget(target, plan.load);
  const system = auditSystem(targets, flags.warmUp);
  const areUsersReal = keys !== undefined;
  return { plan, command: typedCommand(environment, seed), flags, system, promise, areUsersReal };
}

/** How many users an audit has: all that there are real ones of, or the first of them. */
function usersOf(flags: Flags, keys: readonly string[] | undefined, command: Command): number {
  if (keys === undefined) return flags.users;
  if (flags.subjectHeader === undefined)
    throw new OpenclawError('INVALID_OPTION', '--subjects: no header is named to send them in', {
      hint: 'add --subject-header <name>',
    });
  if (command.getOptionValueSource('users') !== 'cli') return keys.length;
  if (flags.users <= keys.length) return flags.users;
  throw new OpenclawError(
    'INVALID_OPTION',
    `--users: expected at most as many as --subjects has, ${keys.length}; found ${flags.users}`,
  );
}

const BESIDE_A_SCENARIO = [
  'seed',
  'strategy',
  'onFailure',
  'name',
  'reports',
  'format',
  'json',
  'clockSlack',
  'server',
  'provider',
];

/** A scenario says all of it: what is typed beside it would be ignored. */
function refuseOthers(command: Command): void {
  const names = command.options.map((option) => option.attributeName());
  const others = names.filter((name) => !BESIDE_A_SCENARIO.includes(name));
  refuseTyped(command, others, 'said by the scenario itself');
}

/** Throws INVALID_OPTION where one of these options was typed. */
function refuseTyped(command: Command, names: readonly string[], why: string): void {
  const typed = command.options.filter(
    (option) =>
      names.includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (typed.length === 0) return;
  const flags = typed.map(({ long }) => long).join(', ');
  throw new OpenclawError('INVALID_OPTION', `${flags}: ${why}`, { hint: 'leave it out' });
}
