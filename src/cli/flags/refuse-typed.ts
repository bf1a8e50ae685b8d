import type { Command } from 'commander';
import { invalidOption } from '../../core/errors.ts';

/** The options of requests to an audited limiter, */
export const OF_REQUESTS = [
  ...['header', 'subjectHeader', 'subjects', 'costHeader', 'method', 'body', 'allow', 'deny', 'warmUp'],
];
/** and of its clock. */
export const OF_AN_AUDIT = [...OF_REQUESTS, 'clock'];
/** The options of nodes that a run starts. */
export const OF_STARTED_NODES = [
  ...['name', 'server', 'provider', 'target'],
  ...['regions', 'replicas', 'roundTrip', 'jitter', 'persistence', 'nodeTimeout'],
];
/** The options of a limiter of ours or of a plug-in, and of its services. */
export const OF_A_LIMITER = ['strategy', 'limiter', 'onFailure', 'instances', 'homes', 'gateway'];

/** Throws INVALID_OPTION if one of these options was typed. */
export function refuseTyped(command: Command, names: readonly string[], why: string): void {
  const typed = command.options.filter(
    (option) =>
      names.includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (typed.length === 0) return;
  const flags = typed.map(({ long }) => long).join(', ');
  throw invalidOption(`${flags}: ${why}`, 'remove it');
}
