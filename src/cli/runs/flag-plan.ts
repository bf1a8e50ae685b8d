import { claimsOfRun } from '../../checker/claims/default-claims.ts';
import { invalidOption } from '../../core/errors.ts';
import { formatNamed, formatPolicies, parsePolicies } from '../../core/policies.ts';
import { formatPromise } from '../../core/promise.ts';
import { DEFAULT_STRATEGY } from '../../core/strategies.ts';
import { faultCommandLine } from '../../scenario/faults/command-line.ts';
import { definitionOf, type FaultSpec, type UndrawnFault } from '../../scenario/faults/index.ts';
import { makePlan } from '../../scenario/make-plan.ts';
import type { Plan } from '../../scenario/plan.ts';
import { optionsOf, type TopologyOptions } from '../../topology/topology.ts';
import type { ClaimFlags } from '../flags/claim-option.ts';
import type { ClockSlackFlags } from '../flags/clock-slack.ts';
import { type EngineFlags, engineCommandLine } from '../flags/engine-options.ts';
import { type LoadFlags, loadCommandLine, makeLoad } from '../flags/load-options.ts';
import {
  type FailureFlags,
  type HomesFlag,
  type InstancesFlag,
  type LimiterFlags,
  policiesOf,
} from '../flags/options.ts';
import type { RunFlags } from '../flags/run-options.ts';
import { type TopologyFlags, topologyCommandLine, topologyOf } from '../flags/topology-flags.ts';
import { quotedForShell } from '../output/typed-command.ts';
import type { ChosenPlugin, PromiseFlags } from '../plugins/limiter-plugin.ts';

/** The flags of `bench` and `chaos` for runs that start regions. */
export interface PlanFlags
  extends TopologyFlags,
    LimiterFlags,
    FailureFlags,
    InstancesFlag,
    HomesFlag,
    LoadFlags,
    ClaimFlags,
    PromiseFlags,
    ClockSlackFlags {
  /** Start and length of the fault of `chaos`, in milliseconds. */
  readonly at?: number;
  readonly for?: number;
}

/** The parts of a plan that are not flags. */
interface PlanParts {
  /** The topology of the running cluster, or of an endpoints file, if the plan uses it. */
  readonly running: TopologyOptions | undefined;
  readonly plugin: ChosenPlugin | undefined;
  /** Of `chaos`. */
  readonly fault?: FaultSpec;
}

/** The plan of these flags. Throws INVALID_SCENARIO, or INVALID_OPTION. */
export function planOfFlags(flags: PlanFlags, { running, plugin, fault }: PlanParts): Plan {
  const { seed, strategy, onFailure = 'closed', instances = 1, homes = false, claim = [] } = flags;
  const policies = policiesOf(flags);
  const title =
    fault === undefined
      ? { scenario: 'bench', about: 'What does the limiter admit while nothing goes wrong?' }
      : { scenario: `chaos-${fault.fault}`, about: `What does ${fault.fault} do to the limiter?` };
  const broken = fault && { fault: definitionOf(fault.fault) };
  return makePlan(
    {
      ...{ seed, onFailure, instances, homes, strategy: plugin === undefined ? strategy : DEFAULT_STRATEGY },
      ...(plugin && { limiter: plugin.file }),
      topology: running ?? optionsOf(topologyOf(flags)),
      policy: formatPolicies(policies),
      load: makeLoad(flags, policies),
      faults: fault === undefined ? [] : [undrawn(fault, flags)],
      claims: [
        ...claimsOfRun(claim, {
          ...flags,
          promise: plugin?.promise,
          hasSeveralPolicies: policies.length > 1,
          ...broken,
        }),
      ],
    },
    title,
  );
}

/** The fault and its times in the form of a scenario. Throws INVALID_OPTION if it outlasts the load. */
export function undrawn(spec: FaultSpec, { at = 0, for: length = 1_000, duration }: PlanFlags): UndrawnFault {
  if (at + length > 1_000 * duration) {
    throw invalidOption(
      `a fault from ${at / 1_000} s to ${(at + length) / 1_000} s does not fit into a load of ${duration} s`,
      'raise --duration, or lower --at or --for',
    );
  }
  return { ...spec, at: { least: at, most: at }, for: { least: length, most: length } };
}

/** The flags of a run's command line that are not in its plan. */
type UnplannedFlags = PromiseFlags &
  ClaimFlags &
  ClockSlackFlags &
  EngineFlags &
  Pick<PlanFlags, 'limiter' | 'onFailure' | 'server' | 'provider'> &
  Pick<RunFlags, 'endpoints' | 'allowEviction' | 'loadProcesses' | 'simulate'>;

/** Without the network that an engine does not simulate: its options are refused. */
function onMachines(topology: TopologyOptions): Omit<TopologyOptions, 'jitterMs'> {
  const { jitterMs: _, ...others } = topology;
  return { ...others, roundTripMs: {} };
}

/** The command that repeats this plan, with every number. */
export function formatCommand(plan: Plan, flags: UnplannedFlags): string {
  const { limiter, onFailure, promise, claim = [], server, provider, clockSlack } = flags;
  const [fault] = plan.faults;
  const decides =
    limiter === undefined ? `--strategy ${plan.strategy}` : `--limiter ${quotedForShell(limiter)}`;
  return [
    `openclaw-rl ${fault === undefined ? 'bench' : `chaos ${faultCommandLine(fault, quotedForShell)}`}`,
    decides,
    ...parsePolicies(plan.policy).map((named) => `--policy ${formatNamed(named)}`),
    ...(onFailure === undefined ? [] : [`--on-failure ${onFailure}`]),
    ...(plan.instances === undefined ? [] : [`--instances ${plan.instances}`]),
    ...(plan.homes ? ['--homes'] : []),
    ...(promise === undefined ? [] : [`--promise ${formatPromise(promise)}`]),
    ...claim.map((text) => `--claim ${quotedForShell(text)}`),
    loadCommandLine(plan.load),
    ...(flags.endpoints === undefined
      ? [topologyCommandLine(flags.engine === undefined ? plan.topology : onMachines(plan.topology))]
      : [
          `--endpoints ${quotedForShell(flags.endpoints)}`,
          ...(flags.allowEviction ? ['--allow-eviction'] : []),
        ]),
    ...(server === undefined ? [] : [`--server ${quotedForShell(server)}`]),
    ...(provider === 'auto' ? [] : [`--provider ${provider}`]),
    ...(clockSlack === undefined ? [] : [`--clock-slack ${clockSlack}us`]),
    ...(flags.loadProcesses === undefined ? [] : [`--load-processes ${flags.loadProcesses}`]),
    ...engineCommandLine(flags),
    ...(flags.simulate ? ['--simulate'] : []),
    `--seed ${plan.seed}`,
  ].join(' ');
}
