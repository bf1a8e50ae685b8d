import type { HomesFlag, InstancesFlag } from '../flags/options.ts';
import type { RunFlags } from '../flags/run-options.ts';
import type { SimulateFlag } from '../flags/simulate-option.ts';

type Flags = InstancesFlag &
  HomesFlag &
  SimulateFlag &
  Pick<RunFlags, 'endpoints' | 'server' | 'provider' | 'loadProcesses'>;

/**
 * What replaces the defaults and changes a cell, as typed: the provider, server, image, endpoints, instances and homes, if
 * they are.
 */
export function insteadOf(
  { provider, server, endpoints, instances, homes }: Flags,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const many = instances === undefined ? undefined : `instances=${instances}`;
  const image = provider === 'local' ? undefined : env.OPENCLAW_REDIS_IMAGE;
  const home = homes && 'homes';
  return [provider === 'auto' ? undefined : provider, server, image, endpoints, many, home].filter(
    (one) => one !== undefined,
  );
}

/** The words of the command `run` that repeats a cell of a matrix with these flags, without its scenario and strategy. */
export function wordsOf(flags: Flags): string[] {
  const { provider, server, endpoints, instances, homes, loadProcesses, simulate } = flags;
  return [
    ...(endpoints === undefined ? [] : ['--endpoints', endpoints]),
    ...(server === undefined ? [] : ['--server', server]),
    ...(provider === 'auto' ? [] : ['--provider', provider]),
    ...(instances === undefined ? [] : ['--instances', String(instances)]),
    ...(homes ? ['--homes'] : []),
    ...(loadProcesses === undefined ? [] : ['--load-processes', String(loadProcesses)]),
    ...(simulate ? ['--simulate'] : []),
  ];
}
