import { type Command, Option } from 'commander';
import { claimsForPromise } from '../../checker/claims/default-claims.ts';
import { given } from '../../core/given.ts';
import { parsePolicies } from '../../core/policies.ts';
import type { Promised } from '../../core/promise.ts';
import { STRATEGY_NAMES, type StrategyName } from '../../core/strategies.ts';
import { parseStrategy } from '../../limiter/options/strategy.ts';
import type { Plan } from '../../scenario/plan.ts';
import { type Instead, readScenario } from '../files/read-scenario.ts';
import { type InsteadFlags, topologyInstead } from '../flags/instead-options.ts';
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
import type { RunFlags } from '../flags/run-options.ts';
import type { TargetFlags } from '../flags/target-options.ts';
import { type ChosenPlugin, checkPromise, choosePlugin, promiseOfPlan } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { auditScenario, servicesOf } from './audit-run.ts';
import { onEndpoints } from './plan-run.ts';
import type { RunRequest } from './run-plan.ts';

/** The flags that change a scenario, or name the system that it runs on. */
export interface ScenarioFlags
  extends FailureFlags,
    InstancesFlag,
    HomesFlag,
    TargetFlags,
    InsteadFlags,
    Pick<RunFlags, 'endpoints' | 'allowEviction' | 'engine'> {
  readonly seed?: number;
  readonly strategy?: StrategyName;
}

/** Adds the argument of a scenario, and the options that replace its values. */
export function scenarioOptions(command: Command): Command {
  return command
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
    .addOption(homesOption());
}

export interface TypedScenario {
  readonly scenario: string;
  readonly flags: ScenarioFlags;
  readonly command: Command;
  /** The options that only HTTP services take. Default: those of an audit. */
  readonly ofServices?: readonly string[];
  /** Throws for a plan that the command cannot run, whatever the system. */
  readonly checkPlan?: (plan: Plan) => void;
}

/** The plan of a scenario, and the system of its endpoints file if it has one. Throws INVALID_OPTION, INVALID_SCENARIO. */
export async function planScenario(
  { scenario, flags, command, ofServices = OF_AN_AUDIT, checkPlan }: TypedScenario,
  environment: Environment,
): Promise<Pick<RunRequest, 'plan' | 'system' | 'found' | 'promise' | 'areUsersReal'>> {
  const { seed, strategy, onFailure, instances, homes } = flags;
  const instead = { ...given({ seed, strategy, onFailure, instances, homes }), ...topologyInstead(flags) };
  const target = await servicesOf(flags, environment, command);
  if (target !== undefined) {
    const plan = await readScenario(scenario, { ...instead, isExternal: true }, environment);
    checkPlan?.(plan);
    return auditScenario(plan, { ...flags, target }, environment);
  }
  refuseTyped(command, ofServices, 'only valid with HTTP services in the file of --endpoints');
  const other = await withLimiter(scenario, { flags, instead }, environment);
  const plan = other?.plan ?? (await readScenario(scenario, instead, environment));
  checkPlan?.(plan);
  return {
    ...(await onEndpoints(plan, flags, environment)),
    ...(other
      ? { promise: other.promise }
      : await promiseOf(plan, { promise: flags.promise, command }, environment)),
  };
}

/** A scenario's plan with another limiter, and the promise by which it is judged. */
export interface PlanOfLimiter {
  readonly plan: Plan;
  readonly promise: Promised;
}

/** The plan with the plug-in of these flags; undefined without one. Throws INVALID_OPTION and INVALID_SCENARIO. */
async function withLimiter(
  scenario: string,
  { flags, instead }: { readonly flags: ScenarioFlags; readonly instead: Instead },
  environment: Environment,
): Promise<PlanOfLimiter | undefined> {
  const { limiter, promise } = flags;
  if (limiter === undefined) return undefined;
  const own = await readScenario(scenario, instead, environment);
  const policy = parsePolicies(own.policy);
  const plugin = await choosePlugin({ limiter, policy, ...given({ promise }) }, environment);
  return plugin && planOfPlugin(scenario, { plugin, instead, claims: own.claims }, environment);
}

/** The plan of a scenario with this plug-in; `claims` are the scenario's own. Throws INVALID_SCENARIO. */
export async function planOfPlugin(
  scenario: string,
  { plugin, instead, claims }: { plugin: ChosenPlugin; instead: Instead; claims: readonly string[] },
  environment: Pick<Environment, 'cwd'>,
): Promise<PlanOfLimiter> {
  const { file, promise } = plugin;
  const limiter = { file, claims: claimsForPromise(claims, promise) };
  return { plan: await readScenario(scenario, { ...instead, limiter }, environment), promise };
}

/** The promise that replaces that of the scenario's plug-in. Throws INVALID_OPTION without a plug-in, or for an invalid one. */
async function promiseOf(
  plan: Plan,
  { promise, command }: { readonly promise: ScenarioFlags['promise']; readonly command: Command },
  environment: Environment,
): Promise<Pick<RunRequest, 'promise'>> {
  if (plan.limiter === undefined) refuseTyped(command, ['promise'], OF_OTHERS);
  if (promise === undefined) return {};
  checkPromise(promise, parsePolicies(plan.policy).length);
  await promiseOfPlan(plan, environment);
  return { promise };
}

const OF_OTHERS = 'only valid for a plug-in, and for HTTP services in the file of --endpoints';
