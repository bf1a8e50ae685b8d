import type { Command } from 'commander';
import type { ProviderName } from '../../regions/choose-provider.ts';
import { type ResultFlags, resultOptions } from '../output/output.ts';
import { type ClockSlackFlags, clockSlackOption } from './clock-slack.ts';
import { DEFAULT_CLUSTER } from './cluster-flags.ts';
import { endpointsOption } from './endpoints-flag.ts';
import { type EngineFlags, engineOptions } from './engine-options.ts';
import { loadProcessesOption } from './options.ts';
import { type SimulateFlag, simulateOption } from './simulate-option.ts';

/** The flags of a run that are not in its plan. */
export interface RunFlags extends ClockSlackFlags, EngineFlags, ResultFlags, SimulateFlag {
  readonly name: string;
  /** A file with the addresses of a system that is already running. */
  readonly endpoints?: string;
  readonly allowEviction?: true;
  readonly reports: string;
  readonly loadProcesses?: number;
  /** Write the proofs of the run into its folder. */
  readonly certificate?: boolean;
  /** The server program for a cluster that is started for this run. */
  readonly server?: string;
  readonly provider: ProviderName;
}

export function runOptions(command: Command): Command {
  const own = command
    .option(
      '--name <name>',
      'use this running cluster, as it is if no flag of the topology is typed, else if it matches; it is left running',
      DEFAULT_CLUSTER,
    )
    .addOption(
      endpointsOption('run against your own Redis or services, by the addresses in this file').conflicts(
        'name',
      ),
    )
    .option('--allow-eviction', 'with --endpoints: run although a server may evict keys')
    .addOption(simulateOption())
    .addOption(loadProcessesOption())
    .option('--reports <folder>', 'folder for the runs', 'reports')
    .option('--certificate', 'write the proofs of the verdict into the folder of the run, for `verify`')
    .addOption(
      clockSlackOption(
        "largest error of the limiter's clock beyond what is measured (default: 1ms with --target or --limiter, else 0)",
      ),
    );
  return engineOptions(resultOptions(own));
}
