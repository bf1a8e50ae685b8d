import { type Command, Option } from 'commander';
import { given } from '../../core/given.ts';
import type { TopologyInstead } from '../../scenario/parse.ts';
import { KINDS, type Kind } from '../../topology/endpoints.ts';
import type { Persistence } from '../../topology/topology.ts';

/** The flags that put another limiter and another topology into a scenario that is run here. */
export interface InsteadFlags {
  /** As typed. */
  readonly limiter?: string;
  readonly topology?: Kind;
  readonly persistence?: Persistence;
}

export function insteadOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--limiter <file>',
        "your own limiter instead of the scenario's: a module that exports createLimiter, or a YAML file with the command of a program; judged by its promise",
      ).conflicts(['strategy', 'onFailure', 'homes']),
    )
    .addOption(
      new Option('--topology <kind>', "replaces the kind of the scenario's topology")
        .choices(KINDS)
        .conflicts('endpoints'),
    )
    .addOption(
      new Option('--persistence <kind>', 'replaces what a node keeps over a restart')
        .choices(['none', 'aof'])
        .conflicts('endpoints'),
    );
}

/** What these flags change in the topology of a scenario; nothing if none was typed. */
export function topologyInstead({ topology: kind, persistence }: InsteadFlags): {
  readonly topology?: TopologyInstead;
} {
  const topology = given({ kind, persistence });
  return Object.keys(topology).length === 0 ? {} : { topology };
}
