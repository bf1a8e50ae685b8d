import { invalidOption } from '../core/errors.ts';
import { traitsOf } from '../core/strategies.ts';
import type { Plan } from '../scenario/plan.ts';

/**
 * Throws INVALID_OPTION for a plan that an engine cannot run: nodes that are no cluster, homes, faults other than by
 * commands. `areNodesOurs`: the nodes of the plan are deployed.
 */
export function checkEnginePlan(plan: Plan, { areNodesOurs }: { readonly areNodesOurs: boolean }): void {
  const { topology, homes, faults, strategy, limiter } = plan;
  if (areNodesOurs && topology.kind !== undefined)
    throw invalidOption(
      `an engine deploys one Redis Cluster; found a topology of kind ${topology.kind}`,
      'start these nodes by yourself, and name them: --endpoints <file>',
    );
  if (homes)
    throw invalidOption('an engine runs no plan with homes yet', 'remove homes, or run it without --engine');
  if (!areNodesOurs && limiter === undefined && traitsOf(strategy).waitsForReplicas)
    throw invalidOption(
      `strategy ${strategy} needs the number of replicas, which only the machines of an engine see`,
      'let the engine deploy the nodes, too: remove --endpoints',
    );
  for (const fault of faults) {
    if (fault.fault !== 'command')
      throw invalidOption(
        `fault ${fault.fault} cannot run on an engine, whose nodes and links openclaw-rl does not control`,
        'break it by a command of yours, which runs on this machine: fault: command',
      );
    if (fault.probe !== undefined)
      throw invalidOption(
        `probe ${fault.probe.probe} cannot look from this machine: only the containers of the engine know its nodes and services`,
        'prove it by a command: proof: <command>, or --proof <command>',
      );
  }
}
