import { type Command, Option } from 'commander';
import { given } from '../../core/given.ts';
import { parsePolicies } from '../../core/policies.ts';
import { STRATEGY_NAMES, type StrategyName } from '../../core/strategies.ts';
import { parseStrategy } from '../../limiter/options/strategy.ts';
import type { Plan } from '../../scenario/plan.ts';
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
import type { RunFlags } from '../flags/run-options.ts';
import type { TargetFlags } from '../flags/target-options.ts';
import { checkPromise, promiseOfPlan } from '../plugins/limiter-plugin.ts';
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
  const instead = given({ seed, strategy, onFailure, instances, homes });
  const target = await servicesOf(flags, environment, command);
  if (target !== undefined) {
    const plan = await readScenario(scenario, { ...instead, isExternal: true }, environment);
    checkPlan?.(plan);
    return auditScenario(plan, { ...flags, target }, environment);
  }
  refuseTyped(command, ofServices, 'only valid with HTTP services in the file of --endpoints');
  const plan = await readScenario(scenario, instead, environment);
  checkPlan?.(plan);
  return {
    ...(await onEndpoints(plan, flags, environment)),
    ...(await promiseOf(plan, { promise: flags.promise, command }, environment)),
  };
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
