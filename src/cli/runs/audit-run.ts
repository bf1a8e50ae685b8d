import type { Command } from 'commander';
import { claimsOfRun } from '../../checker/claims/default-claims.ts';
import { invalidOption } from '../../core/errors.ts';
import { formatPolicies, parsePolicies } from '../../core/policies.ts';
import { DEFAULT_STRATEGY } from '../../core/strategies.ts';
import { checkTarget } from '../../load/target.ts';
import { checkProbe } from '../../scenario/checks.ts';
import { definitionOf, type FaultSpec } from '../../scenario/faults/index.ts';
import { makePlan } from '../../scenario/make-plan.ts';
import type { Plan } from '../../scenario/plan.ts';
import { DEFAULT_TOPOLOGY, type TopologyOptions } from '../../topology/topology.ts';
import { readEndpoints } from '../flags/endpoints-option.ts';
import { makeLoad } from '../flags/load-options.ts';
import { policiesOf } from '../flags/options.ts';
import { OF_A_LIMITER, OF_STARTED_NODES, refuseTyped } from '../flags/refuse-typed.ts';
import type { RunFlags } from '../flags/run-options.ts';
import { readSubjectKeys } from '../flags/subject-keys.ts';
import { auditSystem, auditTargets, type TargetFlags, targetRegions } from '../flags/target-options.ts';
import { typedCommand } from '../output/typed-command.ts';
import { checkPromise } from '../plugins/limiter-plugin.ts';
import type { Environment } from '../process/environment.ts';
import { type PlanFlags, undrawn } from './flag-plan.ts';
import type { RunRequest } from './run-plan.ts';

export interface AuditFlags extends PlanFlags, RunFlags, TargetFlags {}

/**
 * The HTTP services of the endpoints file of these flags, as targets; undefined without a file and for one of nodes.
 * Throws INVALID_OPTION, also for options of nodes that a run starts and for those that HTTP services do not take.
 */
export async function servicesOf(
  { endpoints: file, engine }: Pick<RunFlags, 'endpoints' | 'engine'>,
  environment: Environment,
  command: Command,
): Promise<TargetFlags['target']> {
  if (file === undefined) return undefined;
  const endpoints = await readEndpoints(file, environment);
  refuseTyped(command, OF_STARTED_NODES, 'cannot be used with --endpoints');
  if (endpoints.nodes.length > 0 || engine !== undefined) return undefined; // an engine refuses services
  refuseTyped(command, OF_A_LIMITER, 'cannot be used with HTTP services, whose limiter decides');
  return endpoints.regions.map((region) => ({ region, url: endpoints.services[region] ?? '' }));
}

/** The run of these flags on a limiter that runs already. Throws INVALID_OPTION and INVALID_SCENARIO. */
export async function planAudit(
  flags: AuditFlags,
  environment: Environment,
  { command, fault }: { readonly command: Command; readonly fault?: FaultSpec },
): Promise<RunRequest> {
  const { seed, promise = { type: 'token-bucket' }, claim = [] } = flags;
  const policies = policiesOf(flags);
  checkPromise(promise, policies.length);
  if (fault !== undefined) checkPossible(fault, topologyOf(flags));
  const keys = await keysOf(flags, environment);
  const users = usersOf(flags, keys, command);
  const broken = fault && { fault: definitionOf(fault.fault) };
  const plan = makePlan(
    {
      ...{ seed, strategy: DEFAULT_STRATEGY, onFailure: 'closed', instances: 1, homes: false },
      faults: fault === undefined ? [] : [undrawn(fault, flags)],
      topology: topologyOf(flags),
      policy: formatPolicies(policies),
      load: makeLoad({ ...flags, users }, policies),
      claims: [...claimsOfRun(claim, { ...flags, promise, isClockRead: flags.clock === 'date', ...broken })],
    },
    {
      scenario: fault === undefined ? 'audit' : `chaos-${fault.fault}`,
      about: 'Does a limiter that is already running keep its promise?',
      isExternal: true,
    },
  );
  return { ...auditOf(plan, flags, environment, keys), command: typedCommand(environment, seed), flags };
}

/** A scenario on a limiter that runs already, which replaces its topology. Throws INVALID_OPTION. */
export async function auditScenario(
  plan: Plan,
  flags: TargetFlags,
  environment: Environment,
): Promise<AuditedRun> {
  if (plan.limiter !== undefined)
    throw invalidOption(`${plan.scenario} has a limiter of its own; HTTP services have theirs`, 'remove it');
  if (flags.promise !== undefined) checkPromise(flags.promise, parsePolicies(plan.policy).length);
  for (const fault of plan.faults) checkPossible(fault, topologyOf(flags));
  const keys = await keysOf(flags, environment);
  if (keys !== undefined && plan.load.log !== undefined)
    throw invalidOption(`${plan.scenario} has a log with its own keys`, 'remove --subjects');
  if (keys !== undefined && keys.length < plan.load.users)
    throw invalidOption(`${plan.scenario} has ${plan.load.users} users; --subjects has ${keys.length} keys`);
  const { instances: _ofOurs, homes: _too, ...others } = plan;
  return auditOf({ ...others, topology: topologyOf(flags) }, flags, environment, keys);
}

type AuditedRun = Pick<RunRequest, 'plan' | 'system' | 'promise' | 'areUsersReal'>;

function auditOf(
  plan: Plan,
  flags: TargetFlags,
  environment: Environment,
  keys: readonly string[] | undefined,
): AuditedRun {
  const { promise = { type: 'token-bucket' }, warmUp } = flags;
  const targets = auditTargets(flags, environment, keys);
  for (const target of targets) checkTarget(target, plan.load);
  return { plan, system: auditSystem(targets, warmUp), promise, areUsersReal: keys !== undefined };
}

function topologyOf({ target = [] }: TargetFlags): TopologyOptions {
  return { ...DEFAULT_TOPOLOGY, regions: targetRegions(target), replicas: 0 };
}

function checkPossible(spec: FaultSpec, { regions }: TopologyOptions): void {
  const { fault } = spec;
  if (fault === 'command') {
    checkProbe(spec, { regions, nodes: [] });
    return;
  }
  throw invalidOption(
    `fault ${fault} cannot run on HTTP services, which openclaw-rl did not start`,
    'break them by a command of yours: fault: command',
  );
}

async function keysOf(
  { subjects, subjectHeader }: TargetFlags,
  environment: Environment,
): Promise<readonly string[] | undefined> {
  const keys = subjects === undefined ? undefined : await readSubjectKeys(subjects, environment);
  if (keys === undefined || subjectHeader !== undefined) return keys;
  throw invalidOption('--subjects needs --subject-header', 'add --subject-header <name>');
}

/** The number of users of an audit. With a file of keys: one for each key, or --users if that is smaller. */
function usersOf(flags: AuditFlags, keys: readonly string[] | undefined, command: Command): number {
  if (keys === undefined) return flags.users;
  if (command.getOptionValueSource('users') !== 'cli') return keys.length;
  if (flags.users <= keys.length) return flags.users;
  throw invalidOption(
    `--users: expected at most ${keys.length}, the number of keys in --subjects; found ${flags.users}`,
  );
}
