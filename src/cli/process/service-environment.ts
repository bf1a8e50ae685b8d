import { runName } from '../../regions/processes/owner.ts';
import { markServices } from '../../regions/processes/services.ts';
import type { Login } from '../../regions/provider.ts';
import { clusterStore } from '../../regions/store/user-clusters.ts';
import type { Environment } from './environment.ts';

/**
 * The environment of started services: with their mark, and without the password of another Redis, since the nodes of a
 * run have none.
 */
export function serviceEnvironment(environment: Pick<Environment, 'env' | 'cwd'>): Record<string, string> {
  const { env } = environment;
  const {
    REDIS_USERNAME: _user,
    REDIS_PASSWORD: _password,
    SENTINEL_USERNAME: _sentinelUser,
    SENTINEL_PASSWORD: _sentinelPassword,
    ...rest
  } = env;
  return { ...defined(rest), ...markServices(clusterStore(environment).folderOf(runName())) };
}

function defined(env: Environment['env']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/**
 * The environment of a user's commands: without the passwords of Redis, since what a command prints is kept. Its own
 * credentials, as those of a cloud, pass.
 */
export function commandEnvironment({ env }: Pick<Environment, 'env'>): Record<string, string> {
  const { REDIS_PASSWORD: _password, SENTINEL_PASSWORD: _sentinelPassword, ...rest } = env;
  return defined(rest);
}

/** The same with the user and password of external nodes; their services get none on the command line. */
export function externalServiceEnvironment(
  environment: Pick<Environment, 'env' | 'cwd'>,
  { login, sentinelLogin }: { readonly login: Login; readonly sentinelLogin: Login },
): Record<string, string> {
  return {
    ...serviceEnvironment(environment),
    ...(login.username !== undefined && { REDIS_USERNAME: login.username }),
    ...(login.password !== undefined && { REDIS_PASSWORD: login.password }),
    ...(sentinelLogin.username !== undefined && { SENTINEL_USERNAME: sentinelLogin.username }),
    ...(sentinelLogin.password !== undefined && { SENTINEL_PASSWORD: sentinelLogin.password }),
  };
}
