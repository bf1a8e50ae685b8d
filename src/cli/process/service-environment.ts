import { runName } from '../../regions/processes/owner.ts';
import { markServices } from '../../regions/processes/services.ts';
import { clusterStore } from '../../regions/store/user-clusters.ts';
import type { Environment } from './environment.ts';

/**
 * The environment of started services: with their mark, and without the password of another Redis, since the nodes of a
 * run have none.
 */
export function serviceEnvironment(environment: Pick<Environment, 'env' | 'cwd'>): Record<string, string> {
  const { env } = environment;
  const { REDIS_USERNAME: _user, REDIS_PASSWORD: _password, ...rest } = env;
  const passed = Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(passed), ...markServices(clusterStore(environment).folderOf(runName())) };
}
