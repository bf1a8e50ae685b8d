import { Command } from 'commander';
import { OpenclawError } from '../../core/errors.ts';
import { formatPolicy } from '../../core/policy.ts';
import { checkFault } from '../../faults/check.ts';
import { isMomentary } from '../../faults/registry.ts';
import { isApart, type StrategyName } from '../../limiter/create.ts';
import type { Topology } from '../../regions/topology.ts';
import { contestedShareOf } from '../../scenario/contested-share.ts';
import type { FaultSpec } from '../../scenario/fault-spec.ts';
import { makePlan } from '../../scenario/make-plan.ts';
import type { Plan } from '../../scenario/plan.ts';
import { standingTopology } from '../cluster.ts';
import type { Environment } from '../environment.ts';
import { addFaultCommands } from '../fault-options.ts';
import {
  type ChosenPlugin,
  choosePlugin,
  claimsOfPromise,
  type PromiseFlags,
  promiseOption,
} from '../limiter-plugin.ts';
import { type LoadFlags, loadOptions } from '../load-options.ts';
import {
  type FailureFlags,
  type LimiterFlags,
  limiterOptions,
  ON_FAILURE,
  onFailureOption,
  parseSomeDurationMs,
  timeOption,
} from '../options.ts';
import { type ClaimFlags, claimOption, type RunFlags, runAndReport, runOptions } from '../run-plan.ts';
import { loadInput, SCENARIO_RULES, topologyInput } from '../scenario-rules.ts';
import { type TopologyFlags, topologyCommandLine, topologyOf, topologyOptions } from '../topology-flags.ts';
import { typedCommand } from '../typed-command.ts';

interface Flags
  extends TopologyFlags,
    LimiterFlags,
    FailureFlags,
    LoadFlags,
    RunFlags,
    ClaimFlags,
    PromiseFlags {
  readonly at: number;
  readonly for: number;
}

/** The same as bench with a fault in the middle. */
export function chaosCommand(environment: Environment): Command {
  const command = new Command('chaos')
    .description('Fire the load with a fault in the middle, heal, judge: before, during and after it.')
    .addHelpText('after', EXAMPLES);
  return addFaultCommands(command, {
    configure: (each, fault) => {
      limiterOptions(topologyOptions(loadOptions(runOptions(each), { resting: 0 })))
        .addOption(timeOption('--at <time>', 'inject this long after the load began', '5s'))
        .addOption(onFailureOption(ON_FAILURE))
        .addOption(claimOption())
        .addOption(promiseOption());
      return isMomentary({ fault })
        ? each
        : each.addOption(timeOption('--for <time>', 'heal after this time', '8s', parseSomeDurationMs));
    },
    action: (spec, flags: Flags) => chaos(environment, spec, flags),
  });
}

const EXAMPLES = `
Examples:
  $ openclaw-rl chaos partition --isolate eu-west            # a region falls silent for 8 s
  $ openclaw-rl chaos partition --isolate eu-west --mode refuse --at 5s --for 10s
  $ openclaw-rl chaos kill --node us-east-0
  $ openclaw-rl chaos partition --isolate eu-west --strategy acked --on-failure local-share
  $ openclaw-rl chaos latency --between us-east eu-west --add 400
  $ openclaw-rl chaos gateway-clock --region eu-west --offset 3s --strategy article --claim 'worst-window <= bound'`;

async function chaos(environment: Environment, spec: FaultSpec, flags: Flags): Promise<void> {
  const plugin = await choosePlugin(flags, environment);
  const running = await standingTopology(environment, flags);
  const plan = planOf(spec, flags, { running, plugin });
  const more = running === undefined ? [] : [topologyCommandLine(plan.topology)];
  const command = [typedCommand(environment, flags.seed), ...more].join(' ');
  await runAndReport({ plan, command, flags, ...(plugin && { promise: plugin.promise }) }, environment);
}

function planOf(
  spec: FaultSpec,
  flags: Flags,
  { running, plugin }: { readonly running: Topology | undefined; readonly plugin: ChosenPlugin | undefined },
): Plan {
  const { strategy, policy, seed, duration, at: atMs, for: forMs = 1_000 } = flags;
  if (atMs + forMs > 1_000 * duration) {
    throw new OpenclawError(
      'INVALID_OPTION',
      `a fault from ${atMs / 1_000} s to ${(atMs + forMs) / 1_000} s does not fit into a load of ${duration} s`,
      { hint: 'raise --duration, or lower --at or --for' },
    );
  }
  const topology = topologyInput(flags, running);
  checkFault(spec, running ?? topologyOf(flags));
  return makePlan(
    {
      ...{ seed, topology },
      ...(plugin === undefined ? { strategy } : { limiter: plugin.file }),
      ...(flags.onFailure && { onFailure: flags.onFailure }),
      policy: formatPolicy(policy),
      load: loadInput(flags, flags.policy),
      claims: [
        ...(flags.claim ??
          claimsOf(
            spec,
            plugin === undefined
              ? declaredBy(strategy)
              : claimsOfPromise(plugin.promise, { isClockRead: true }),
            plugin === undefined ? strategy : undefined,
          )),
      ],
    },
    { scenario: `chaos-${spec.fault}`, about: `What does ${spec.fault} do to the limiter?` },
    SCENARIO_RULES,
    [{ ...spec, atMs, forMs }],
  );
}

/** Lost replies are what some faults do: the run proves something all the same. */
function claimsOf(
  { fault }: FaultSpec,
  correct: readonly string[],
  strategy: string | undefined,
): readonly string[] {
  const info = `info <= ${fault === 'drop-reply' ? 30 : 15}%`;
  return [...correct, info, `contested >= ${contestedShareOf(strategy)}`];
}

function declaredBy(strategy: StrategyName): readonly string[] {
  const ofWindows = strategy === 'article' || isApart(strategy);
  return [ofWindows ? 'worst-window <= bound' : 'total-excess <= bound'];
}
