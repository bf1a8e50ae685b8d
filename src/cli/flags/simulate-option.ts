import { type Command, Option } from 'commander';
import { OF_AN_AUDIT, refuseTyped } from './refuse-typed.ts';

/** The flag of `simulateOption`. */
export interface SimulateFlag {
  readonly simulate?: true;
}

export function simulateOption(): Option {
  return new Option(
    '--simulate',
    'run in virtual time: strategies, scripts, load and judgement are the real ones; nodes, network and services are models; needs no Redis',
  );
}

/** What is outside a simulation: clusters, servers, machines and services that exist. */
const OUTSIDE = [
  ...['name', 'endpoints', 'allowEviction', 'server', 'provider', 'loadProcesses', 'target'],
  ...['engine', 'lead', 'clockHost', ...OF_AN_AUDIT],
];

/** Throws INVALID_OPTION for options that a simulation does not take. */
export function checkSimulateFlag(command: Command, { simulate }: SimulateFlag): void {
  if (simulate) refuseTyped(command, OUTSIDE, 'cannot be used with --simulate');
}
